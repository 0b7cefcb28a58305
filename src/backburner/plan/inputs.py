"""The input tokens of a workload: of its sample by the fit or by count, of all by their bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from backburner.nouns.tariff import US, undated
from backburner.plan.pdf_pages import PAGE_ERROR, PAGE_TOKENS
from backburner.plan.prompts import Prompt
from backburner.plan.ranges import TokenRange
from backburner.plan.sampling import Sampled, Stratum
from backburner.plan.tokens import tokenizer_of
from backburner.plan.workloads import Workload

SIGMAS: Final = 2
FIT_ERROR: Final = 0.15
"""What the fit is held to for any kind of text; it was within 0.09 for each kind measured."""

_UNSEEN_SPREAD: Final = 0.3
"""Taken as the spread of requests of a size of which a single one was looked at."""

_FRAME: Final = 20
"""What turns, system prompts and roles may add to each request beside the frame of one message."""

_TOOLS: Final = {
    "claude-haiku-4-5": (496, 588),
    "claude-haiku-5-5": (286, 406),
    "claude-opus-4-7": (675, 804),
    "claude-opus-4-8": (290, 410),
    "claude-opus-5": (286, 406),
    "claude-sonnet-4-6": (497, 589),
    "claude-sonnet-5": (354, 474),
}
_OTHER_TOOLS: Final = (286, 406)
"""What the presence of tools adds to a prompt: where the model may use them, where it has to.

Opus 5.5 and Sonnet 5.5 are published with 286 and no second figure; they count as Opus 5.

Source: platform.claude.com pricing (tool use pricing), 2026-08-21.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A request of the sample, and how many it stands for.

    Attributes:
        requests: By number.
        copies: By bytes.
        tokens: Of the one.
        marked: Those of them up to its last cache mark.
        ttl: The lifetime that this asks for; empty where there is no mark.
        geo: The `inference_geo` that it is priced by.
    """

    requests: float
    copies: float
    tokens: float
    marked: float
    ttl: str
    geo: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What counting some requests says about the fit.

    Attributes:
        requests: How many were counted; 0 where none was.
        factor: Counted over estimated tokens.
        error: How far the corrected estimate may be off, as a share.
    """

    requests: int = 0
    factor: float = 1.0
    error: float = FIT_ERROR


UNCOUNTED: Final = Correction()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The input tokens of a workload.

    Attributes:
        tokens: Of all its requests.
        shares: What prices are taken over; their tokens are those of `tokens.expected`.
        without_files: Requests, estimated, whose images or documents are in no figure.
        pages: Pages of PDFs, estimated, that are reckoned with; 0 where requests were counted.
    """

    tokens: TokenRange
    shares: tuple[Share, ...]
    without_files: int
    pages: int = 0


def inputs_of(work: Workload, correction: Correction = UNCOUNTED) -> Inputs:
    """The input tokens of a workload, as a range.

    Of each stratum, tokens go by bytes: those of all over those of the sample. The range holds
    twice the error of sampling, and what the fit, or the count, may be off.
    """
    shares: list[Share] = []
    variance = 0.0
    for stratum in work.strata:
        tokens = tokens_of_sample(work.model, stratum.sample)
        variance += _variance(stratum, tokens)
        shares += _shares(work.model, stratum, tokens, correction.factor)
    expected = sum(share.copies * share.tokens for share in shares)
    sampling = SIGMAS * correction.factor * sqrt(variance)
    pages = 0 if correction.requests else sum(map(_pages, work.strata))
    in_pages = pages * PAGE_TOKENS
    text = max(expected - in_pages, 0.0)
    off = sqrt(sampling**2 + (correction.error * text) ** 2 + (PAGE_ERROR * in_pages) ** 2)
    return Inputs(
        tokens=TokenRange(
            low=max(round(expected - off), 0),
            expected=round(expected),
            high=round(expected + off) + (0 if correction.requests else _FRAME * work.requests),
        ),
        shares=tuple(shares),
        without_files=0 if correction.requests else sum(map(_with_files, work.strata)),
        pages=round(pages),
    )


def tokens_of_sample(model: str, sample: Sequence[Sampled]) -> list[int]:
    """The tokens of each of some requests, by the fit."""
    tokenizer = tokenizer_of(model)
    return [
        tokenizer.frame
        + tokenizer.tokens(one.prompt.text)
        + _tools(model, one.prompt)
        + PAGE_TOKENS * one.prompt.pages
        for one in sample
    ]


def _tools(model: str, prompt: Prompt) -> int:
    if not prompt.tools:
        return 0
    may, must = _TOOLS.get(undated(model), _OTHER_TOOLS)
    return must if prompt.must_use else may


def _shares(model: str, stratum: Stratum, tokens: Sequence[int], factor: float) -> Iterator[Share]:
    requests = stratum.requests / len(stratum.sample)
    copies = stratum.body_bytes / sum(one.size for one in stratum.sample)
    tokenizer = tokenizer_of(model)
    for one, found in zip(stratum.sample, tokens, strict=True):
        yield Share(
            requests=requests,
            copies=copies,
            tokens=factor * found,
            marked=factor * tokenizer.tokens(one.prompt.marked),
            ttl=one.prompt.ttl,
            geo=US if one.prompt.in_us else None,
        )


def _variance(stratum: Stratum, tokens: Sequence[int]) -> float:
    """The variance of a stratum's tokens, as its sample tells them by their bytes."""
    looked_at = len(tokens)
    if looked_at == 1:
        spread = _UNSEEN_SPREAD * tokens[0] if stratum.requests > 1 else 0.0
        return (stratum.requests * spread) ** 2
    ratio = sum(tokens) / sum(one.size for one in stratum.sample)
    rests = (found - ratio * one.size for found, one in zip(tokens, stratum.sample, strict=True))
    return stratum.requests**2 / looked_at * sum(rest**2 for rest in rests) / (looked_at - 1)


def _with_files(stratum: Stratum) -> int:
    share = sum(one.prompt.files for one in stratum.sample) / len(stratum.sample)
    return round(share * stratum.requests)


def _pages(stratum: Stratum) -> float:
    return sum(one.prompt.pages for one in stratum.sample) * stratum.requests / len(stratum.sample)
