"""What stored result lines say, read anew: outcomes, tokens and prices.

It shares nothing with the reading that booked them but the words of the line, the judgement of an
outcome, the validator and the tariff: the position is the line's own place in the file, and every
answer is priced alone.
"""

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from backburner.nouns.batch import Via
from backburner.nouns.outcome import (
    CODES,
    NOT_FINAL,
    Outcome,
    ResultLine,
    WireUsage,
    outcome_of,
)
from backburner.nouns.tariff import WEB_SEARCH, ModelPrice

_decode: Final = msgspec.json.Decoder(ResultLine).decode

COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
    "web_searches",
)
"""What is counted: kinds of tokens, then searches, as the ledger's columns name them."""


@dataclass(slots=True)
class Tally:
    """How many positions have something wrong with them, and the first of these."""

    count: int = 0
    first: int = -1

    def note(self, position: int) -> None:
        """Count one in."""
        if not self.count:
            self.first = position
        self.count += 1


@dataclass(slots=True)
class Sums:
    """What one model's answers to one run add up to.

    Attributes:
        counts: In the order of `COUNTS`.
        has_price: Whether the tariff knows the model; without it, the three prices are 0.
    """

    has_price: bool
    requests: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * len(COUNTS))
    paid: int = 0
    uncached: int = 0
    sync: int = 0


@dataclass(slots=True)
class Recount:
    """A results file, read by line number.

    Attributes:
        codes: The outcome's byte of each line, 0 where it is empty.
        syncs: What each answer would have cost sync and without caching, in picodollars.
        sums: By run and model.
        misnamed: Lines whose custom_id names another place.
        unreadable: Lines that are no result.
    """

    codes: bytearray = field(default_factory=bytearray)
    syncs: "array[int]" = field(default_factory=lambda: array("q"))
    sums: dict[tuple[str, str], Sums] = field(default_factory=dict)
    misnamed: Tally = field(default_factory=Tally)
    unreadable: Tally = field(default_factory=Tally)


def recount(
    lines: Iterable[bytes],
    *,
    name_of: Callable[[int], str],
    run_of: Callable[[int], str],
    price_of: Callable[[str], ModelPrice | None],
    is_invalid: Callable[[int, bytes], bool] | None = None,
    via: Via = Via.BATCH,
) -> Recount:
    """Read a results file anew.

    Args:
        name_of: The custom_id of the request at a position.
        run_of: The run of the request at a position.
        price_of: The price of a model, where it is known.
        is_invalid: Tells of a position and its line whether an answer breaks its schema.
        via: How the requests travelled.
    """
    found = Recount()
    for position, line in enumerate(lines):
        found.codes.append(NOT_FINAL)
        found.syncs.append(0)
        if not line:
            continue
        try:
            parsed = _decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            found.unreadable.note(position)
            continue
        if parsed.custom_id != name_of(position):
            found.misnamed.note(position)
        outcome = outcome_of(parsed.result)
        if is_invalid and outcome is Outcome.OK and is_invalid(position, line):
            outcome = Outcome.INVALID_OUTPUT
        found.codes[position] = CODES[outcome]
        message = parsed.result.message
        if message is not None:
            price = price_of(message.model)
            sums = found.sums.setdefault(
                (run_of(position), message.model), Sums(has_price=price is not None)
            )
            found.syncs[position] = _add(sums, message.usage, price, via)
    return found


def _add(sums: Sums, usage: WireUsage, price: ModelPrice | None, via: Via) -> int:
    """Count an answer in; gives what it would have cost sync and without caching."""
    split = usage.cache_creation
    hour = split.ephemeral_1h_input_tokens if split else 0
    minutes = split.ephemeral_5m_input_tokens if split else 0
    # What a message does not break down was written for five minutes, the default.
    minutes = max(minutes, (usage.cache_creation_input_tokens or 0) - hour)
    read = usage.cache_read_input_tokens or 0
    tools = usage.server_tool_use
    searches = tools.web_search_requests or 0 if tools else 0
    tokens = (usage.input_tokens, usage.output_tokens, minutes, hour, read)
    counts = (*tokens, searches)
    sums.requests += 1
    sums.counts = [total + count for total, count in zip(sums.counts, counts, strict=True)]
    if price is None:
        return 0
    price = price.located(usage.inference_geo)
    searched = searches * WEB_SEARCH
    prompt = usage.input_tokens + minutes + hour + read
    ours, sync = price.rates(prompt, via), price.rates(prompt, Via.DIRECT)
    rates = (ours.input, ours.output, ours.cache_write_5m, ours.cache_write_1h, ours.cache_read)
    sums.paid += searched + sum(count * rate for count, rate in zip(tokens, rates, strict=True))
    sums.uncached += searched + prompt * ours.input + usage.output_tokens * ours.output
    dear = searched + prompt * sync.input + usage.output_tokens * sync.output
    sums.sync += dear
    return dear
