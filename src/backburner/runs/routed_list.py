"""Lists of requests under route rules: which rule takes each, and what it is then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, BinaryIO

import msgspec

from backburner.nouns.budget import is_word
from backburner.nouns.request import travelling
from backburner.nouns.route import Asked, Extent, Route, Rule
from backburner.plan.prompts import measure
from backburner.plan.routing import looks_at_size, looks_at_tokens, reroute, route
from backburner.plan.tokens import tokenizer_of
from backburner.runs.faults import Faults
from backburner.runs.request_list import request_texts


class _Line(msgspec.Struct, frozen=True, gc=False):
    """What routing looks at in a line of a list; `kind` and `tags` stand beside its `params`."""

    custom_id: str
    params: msgspec.Raw
    kind: Any = ""
    tags: Any = ()


class _Body(msgspec.Struct, frozen=True, gc=False):
    model: Any = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedRequest:
    """A request of a list, and the rule that takes it.

    Attributes:
        line: The line it begins in.
        custom_id: The caller's key; empty where the line is no request.
        model: The model that it asked for.
        route: What was decided; None where the line is no request, which staging will say.
        changed: The parameters that the rule changed.
        text: The line as it goes on.
    """

    line: int
    custom_id: str
    model: str
    route: Route | None
    changed: tuple[str, ...]
    text: str


def routed_requests(
    stream: BinaryIO,
    rules: Sequence[Rule],
    base: Asked,
    faults: Faults,
    *,
    encoding: str | None = None,
    limit: int | None = None,
) -> Iterator[RoutedRequest]:
    """Each request of a list under the rules, in flat memory.

    Args:
        stream: The list.
        rules: The rules, the first that matches wins.
        base: What is asked of all; a request may name a kind of its own, and more tags.
        faults: Takes note of kinds and tags that are no words.
        encoding: What it is written in; UTF-8 if None.
        limit: How many requests to take from the start; None takes all.
    """
    is_array, texts = request_texts(stream, faults, encoding)
    for line, text in islice(texts, limit):
        # An element of an array may have several lines, and becomes one.
        whole = travelling(text.encode()).decode() if is_array and "\n" in text else text
        yield _routed(line, whole, rules, base, faults)


def _routed(
    line: int, text: str, rules: Sequence[Rule], base: Asked, faults: Faults
) -> RoutedRequest:
    try:
        read = msgspec.json.decode(text, type=_Line)
        model = msgspec.json.decode(read.params, type=_Body).model
    except (ValueError, RecursionError):
        return RoutedRequest(line=line, custom_id="", model="", route=None, changed=(), text=text)
    named = model if isinstance(model, str) else ""
    asked = _asked(read, named, base) if _are_words(read, line, faults) else base
    asked = measured(asked, bytes(read.params), rules)
    chosen = route(rules, asked)
    params, changed = reroute(bytes(read.params), chosen.give)
    return RoutedRequest(
        line=line,
        custom_id=read.custom_id,
        model=asked.model,
        route=chosen,
        changed=changed,
        text=_line(read.custom_id, params) if changed else text,
    )


def _line(custom_id: str, params: bytes) -> str:
    line = {"custom_id": custom_id, "params": msgspec.Raw(travelling(params))}
    return msgspec.json.encode(line).decode()


def _are_words(read: _Line, line: int, faults: Faults) -> bool:
    before = faults.count
    if read.kind != "" and not _is_word(read.kind):
        faults.add(
            "kind_invalid",
            "its kind is no word of letters, digits and . _ - @ +",
            line=line,
            hint='write "kind": "draft" beside its params',
        )
    if not isinstance(read.tags, list | tuple) or not all(map(_is_word, read.tags)):
        faults.add(
            "tags_invalid",
            "its tags are no list of words of letters, digits and . _ - @ +",
            line=line,
            hint='write "tags": ["seo"] beside its params',
        )
    return faults.count == before


def _is_word(value: object) -> bool:
    return isinstance(value, str) and is_word(value)


def _asked(read: _Line, model: str, base: Asked) -> Asked:
    kind, tags = read.kind or base.kind, base.tags | frozenset(read.tags)
    return replace(base, kind=kind, tags=tags, model=model)


def measured(asked: Asked, params: bytes, rules: Sequence[Rule]) -> Asked:
    """The same with the size of its body, as far as a rule looks at it."""
    if not looks_at_size(rules):
        return asked
    return replace(
        asked,
        input_bytes=Extent(len(params), len(params)),
        input_tokens=_tokens(params, asked.model) if looks_at_tokens(rules) else None,
    )


def _tokens(params: bytes, model: str) -> Extent | None:
    try:
        count = tokens_of(params, model)
    except (ValueError, AttributeError, TypeError):
        # A body of another shape than the API takes: staging says what is wrong with it.
        return None
    return Extent(count, count)


def tokens_of(params: bytes, model: str) -> int:
    """About how many tokens a body's prompt has."""
    tokenizer = tokenizer_of(model)
    return tokenizer.frame + tokenizer.tokens(measure(params).text)
