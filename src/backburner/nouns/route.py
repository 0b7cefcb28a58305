"""Routes: which model, lane and urgency a request gets, by rules that a person wrote."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from backburner.errors import InputError
from backburner.nouns.budget import is_word
from backburner.nouns.urgency import Urgency


@dataclass(frozen=True, slots=True)
class Extent:
    """How large inputs are: of one request both are equal, of a table they are its extremes."""

    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a caller asks, as far as rules look at it.

    Attributes:
        kind: One word for what sort of work it is; empty where nobody said.
        model: The model asked for; empty where none was.
        input_bytes: None where nobody measured; then no rule about it matches.
    """

    kind: str = ""
    tags: frozenset[str] = frozenset()
    lane: str = ""
    owner: str = ""
    model: str = ""
    input_bytes: Extent | None = None
    input_tokens: Extent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What a rule asks of a request: all that it names; of several words for one thing, any.

    Attributes:
        models: Names of models, `*` in them standing for any text.
    """

    kinds: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    lanes: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    min_input_bytes: int | None = None
    max_input_bytes: int | None = None
    min_input_tokens: int | None = None
    max_input_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Give:
    """What a rule gives; what it does not name stays as it was asked.

    Attributes:
        within: The span in which the answer is promised, such as `6h`.
        by: The local time by which it is, such as `07:00`.
    """

    model: str | None = None
    max_tokens: int | None = None
    lane: str | None = None
    urgency: Urgency | None = None
    within: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a table of routes."""

    name: str
    when: When
    give: Give


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What was decided for a request.

    Attributes:
        rule: The name of the rule that took it; empty where none did.
        reason: Why, in words.
    """

    rule: str = ""
    reason: str = "no rule takes it"
    give: Give = Give()


UNROUTED = Route()
"""What a request gets that no rule takes: all stays as it was asked."""


class Taken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one rule took of a run, as the run keeps it.

    Attributes:
        rule: Its name; empty for what no rule took.
        model: The model that it gave; empty where it gave none. So are the others.
        changed: In how many requests it changed each parameter.
    """

    rule: str
    reason: str
    requests: int
    model: str = ""
    max_tokens: int = 0
    lane: str = ""
    urgency: str = ""
    changed: Mapping[str, int] = {}


def kind_of(word: str) -> str:
    """A kind of work as a person says it; empty for none.

    Raises:
        InputError: It is no word.
    """
    if word and not is_word(word):
        raise InputError(
            f"{word!r} is no kind: one word of letters, digits and . _ - @ +",
            hint="give one such as draft",
        )
    return word


_taken = msgspec.json.Decoder(tuple[Taken, ...])


def taken_of(routes: str) -> tuple[Taken, ...]:
    """What each rule took, of what a run keeps of it."""
    return _taken.decode(routes) if routes else ()
