"""What work will cost, before any of it is sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from backburner.nouns.batch import Via
from backburner.nouns.model import version_of
from backburner.nouns.money import Money
from backburner.nouns.tariff import US, ModelPrice, Tariff
from backburner.nouns.usage import Usage
from backburner.plan.pricing import priced


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tokenizer:
    """Bytes of text per hundred tokens, in the sparsest and the densest text measured."""

    sparsest: int
    densest: int


# Sparsest: English prose, 4.33 and 3.60 characters a token by the counting endpoint. Densest:
# table rows of names and numbers as JSON, 2.15 and 1.47 by ctok 1.3.0, an unofficial counter. A
# margin on each side.
_BEFORE_4_7: Final = _Tokenizer(sparsest=450, densest=205)
_FROM_4_7: Final = _Tokenizer(sparsest=375, densest=140)
_UNKNOWN: Final = _Tokenizer(sparsest=_BEFORE_4_7.sparsest, densest=_FROM_4_7.densest)

_FRAME_TOKENS: Final = (5, 30)
"""Around the text of a request: 6 to 11 for one user message, more with turns and a system prompt.

Source: ctok 1.3.0 (frames 7, 11 and 6 by generation).
"""

_TOOLS_TOKENS: Final = (286, 804)
"""What the presence of tools adds to a prompt, over all models and tool choices.

Source: platform.claude.com pricing (tool use pricing), 2026-08-21.
"""

_LEAST_ANSWER_TOKENS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Requests to one model, as much of them as a price depends on.

    Attributes:
        requests: How many requests, after identical ones are collapsed.
        prompt_bytes: UTF-8 bytes of their texts, system prompts and tool definitions, together.
        smallest_prompt_bytes: The same of the smallest request.
        largest_prompt_bytes: The same of the largest request.
        max_output_tokens: The sum of their `max_tokens`.
        requests_with_tools: How many of them bring tools.
        requests_in_us: How many of them ask for inference in the US alone.
        cache_marks: Whether any of them asks for caching.
    """

    model: str
    requests: int
    prompt_bytes: int
    smallest_prompt_bytes: int
    largest_prompt_bytes: int
    max_output_tokens: int
    requests_with_tools: int = 0
    requests_in_us: int = 0
    cache_marks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What work will cost, as a range: in batches, and the same calls sync.

    Attributes:
        price_date: The oldest date of the prices used.
    """

    requests: int
    input_tokens_low: int
    input_tokens_high: int
    output_tokens_low: int
    output_tokens_high: int
    low: Money
    high: Money
    sync_low: Money
    sync_high: Money
    price_date: date

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(
            requests=self.requests + other.requests,
            input_tokens_low=self.input_tokens_low + other.input_tokens_low,
            input_tokens_high=self.input_tokens_high + other.input_tokens_high,
            output_tokens_low=self.output_tokens_low + other.output_tokens_low,
            output_tokens_high=self.output_tokens_high + other.output_tokens_high,
            low=self.low + other.low,
            high=self.high + other.high,
            sync_low=self.sync_low + other.sync_low,
            sync_high=self.sync_high + other.sync_high,
            price_date=min(self.price_date, other.price_date),
        )


def estimate(tariff: Tariff, work: Workload) -> Estimate:
    """The price of requests before any of them is sent, as a range that holds the truth.

    Input tokens, low:  bytes / sparsest + 5 * requests (+ 286 * requests with tools).
    Input tokens, high: bytes / densest + 30 * requests (+ 804 * requests with tools).
    Output tokens, low: one for each request, since a label is one or two tokens and nothing known
    beforehand rules it out; high: `max_tokens` of each, which the API never exceeds.

    Sparsest and densest are bytes per token: 4.5 and 2.05 for models before 4.7, 3.75 and 1.4 from
    4.7 on, whose tokenizer makes about 30 % more tokens of the same text. They cover English prose,
    code, and table rows as JSON. Where cache marks are set, low takes every prompt token as read
    and high as written for an hour; a price step is applied to low by the smallest prompt, to high
    by the largest; the tenth more for the US to high where any request asks for it, and to low
    where all do. Images, documents and server tools are not text and not in the range, nor are
    second attempts of requests that were answered and billed before.

    Raises:
        ModelUnknown: The tariff has no such model.

    Source: platform.claude.com pricing (tool use; tokenizer note), 2026-08-21; measurements with
        the counting endpoint and with ctok 1.3.0, an unofficial counter.
    """
    price = tariff.price(work.model)
    low, high = _tokens(work)
    return Estimate(
        requests=work.requests,
        input_tokens_low=low.prompt_tokens,
        input_tokens_high=high.prompt_tokens,
        output_tokens_low=low.output_tokens,
        output_tokens_high=high.output_tokens,
        low=_low(price, work, low, Via.BATCH),
        high=_high(price, work, high, Via.BATCH),
        sync_low=_low(price, work, low, Via.DIRECT),
        sync_high=_high(price, work, high, Via.DIRECT),
        price_date=price.as_of,
    )


def estimate_all(tariff: Tariff, works: Iterable[Workload]) -> Estimate | None:
    """The price of requests to several models together; None without any.

    Raises:
        ModelUnknown: The tariff lacks one of them.
    """
    total: Estimate | None = None
    for work in works:
        part = estimate(tariff, work)
        total = part if total is None else total + part
    return total


def _low(price: ModelPrice, work: Workload, usage: Usage, via: Via) -> Money:
    smallest = _fewest(_tokenizer(work.model), work.smallest_prompt_bytes)
    located = price.located(US if work.requests_in_us == work.requests > 0 else None)
    return Money(picodollars=priced(located.rates(smallest, via), usage))


def _high(price: ModelPrice, work: Workload, usage: Usage, via: Via) -> Money:
    overhead = _FRAME_TOKENS[1] + (_TOOLS_TOKENS[1] if work.requests_with_tools else 0)
    largest = _most(_tokenizer(work.model), work.largest_prompt_bytes) + overhead
    located = price.located(US if work.requests_in_us else None)
    return Money(picodollars=priced(located.rates(largest, via), usage))


def _tokens(work: Workload) -> tuple[Usage, Usage]:
    tokenizer = _tokenizer(work.model)
    frame = [tokens * work.requests for tokens in _FRAME_TOKENS]
    tools = [tokens * work.requests_with_tools for tokens in _TOOLS_TOKENS]
    prompt_low = _fewest(tokenizer, work.prompt_bytes) + frame[0] + tools[0]
    prompt_high = _most(tokenizer, work.prompt_bytes) + frame[1] + tools[1]
    output_low = min(_LEAST_ANSWER_TOKENS * work.requests, work.max_output_tokens)
    if work.cache_marks:
        return (
            Usage(cache_read_tokens=prompt_low, output_tokens=output_low),
            Usage(cache_write_1h_tokens=prompt_high, output_tokens=work.max_output_tokens),
        )
    return (
        Usage(input_tokens=prompt_low, output_tokens=output_low),
        Usage(input_tokens=prompt_high, output_tokens=work.max_output_tokens),
    )


def _fewest(tokenizer: _Tokenizer, text_bytes: int) -> int:
    return text_bytes * 100 // tokenizer.sparsest


def _most(tokenizer: _Tokenizer, text_bytes: int) -> int:
    return -(-text_bytes * 100 // tokenizer.densest)


def _tokenizer(model: str) -> _Tokenizer:
    version = version_of(model)
    if version is None:
        return _UNKNOWN
    return _FROM_4_7 if version >= (4, 7) else _BEFORE_4_7
