"""Which requests of a sample to have counted, and what their counts say about the fit."""

from collections.abc import Sequence
from itertools import zip_longest
from math import sqrt
from typing import Final

from backburner.plan.inputs import FIT_ERROR, SIGMAS, Correction, tokens_of_sample
from backburner.plan.sampling import Sampled
from backburner.plan.workloads import Workload

_COUNT_ERROR: Final = 0.03
"""The endpoint calls its counts an estimate.

Source: platform.claude.com token-counting, 2026-08-22.
"""


def to_count(work: Workload, most: int) -> tuple[Sampled, ...]:
    """Some requests of a workload's sample, of each size at least one as long as there is room.

    A request that is too large to be kept is none of them.
    """
    kept = [[one for one in stratum.sample if one.body] for stratum in work.strata]
    # Where there are more sizes than room, the largest matter most.
    turns = zip_longest(*reversed(kept))
    chosen = [one for turn in turns for one in turn if one is not None]
    return tuple(chosen[:most])


def correction_of(model: str, counted: Sequence[tuple[Sampled, int]]) -> Correction:
    """What counts say about the fit: a factor for all requests, and how sure it is.

    The fit knows more of a text than its bytes: over the fit, counts of one kind of text differ
    less than over its bytes, so that few of them are enough.
    """
    estimated = tokens_of_sample(model, [one for one, _ in counted])
    counts = [count for _, count in counted]
    factor = sum(counts) / sum(estimated)
    error = FIT_ERROR
    if len(counts) > 1:
        rests = sum((c - factor * e) ** 2 for c, e in zip(counts, estimated, strict=True))
        deviation = sqrt(rests / (len(counts) - 1) * len(counts)) / sum(counts)
        error = sqrt((SIGMAS * deviation) ** 2 + _COUNT_ERROR**2)
    return Correction(requests=len(counts), factor=factor, error=error)
