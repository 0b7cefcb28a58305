"""Counting some requests of a sample with the upstream's free endpoint."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from backburner.clock import Clock
from backburner.nouns.fault import Fault, FaultKind
from backburner.plan.counting import correction_of, to_count
from backburner.plan.inputs import Correction
from backburner.plan.sampling import Sampled
from backburner.plan.workloads import Workload
from backburner.upstream import Upstream

REQUESTS: Final = 20
"""How many are counted. Source: our measurements in docs/estimates.md."""

_LEAST: Final = 4
"""Of each model, where there are several."""

_SECONDS: Final = 20.0
_PAUSE: Final = 2.0
_COUNTED: Final = frozenset(
    {
        "model",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "cache_control",
    }
)
"""The parameters that the endpoint takes.

Source: platform.claude.com token-counting, 2026-08-22.
"""

_read = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What counting came to.

    Attributes:
        corrections: By model; empty where nothing was counted.
        why_not: Why not all was counted that could be; empty where it was.
    """

    corrections: Mapping[str, Correction] = field(default_factory=dict)
    why_not: str = ""


def count(upstream: Upstream, clock: Clock, works: Sequence[Workload], betas: str = "") -> Counts:
    """Count some requests of each workload.

    Never fails: what cannot be counted is estimated, and `why_not` says why.
    """
    counter = _Counter(upstream, clock, betas)
    most = max(REQUESTS // max(len(works), 1), _LEAST)
    corrections = {}
    for work in works:
        counted = list(counter.counted(to_count(work, most)))
        if counted:
            corrections[work.model] = correction_of(work.model, counted)
    return Counts(corrections=corrections, why_not=counter.why_not)


class _Counter:
    """Counts until it was refused twice, or took too long."""

    def __init__(self, upstream: Upstream, clock: Clock, betas: str) -> None:
        self._upstream = upstream
        self._clock = clock
        self._betas = betas
        self._until = clock.monotonic() + _SECONDS
        self.why_not = ""

    def counted(self, sample: Sequence[Sampled]) -> Iterator[tuple[Sampled, int]]:
        for one in sample:
            if self.why_not:
                return
            tokens = self._count(one.body or b"")
            if tokens is not None:
                yield one, tokens

    def _count(self, body: bytes) -> int | None:
        if self._clock.monotonic() > self._until:
            self.why_not = f"counting took over {_SECONDS:g} seconds"
            return None
        fields = {name: value for name, value in _read(body).items() if name in _COUNTED}
        encoded = msgspec.json.encode(fields)
        answer = self._upstream.count(encoded, self._betas)
        if isinstance(answer, Fault) and answer.kind is FaultKind.THROTTLED:
            self._clock.sleep(min(answer.retry_after or _PAUSE, _PAUSE))
            answer = self._upstream.count(encoded, self._betas)
        if isinstance(answer, Fault):
            self.why_not = f"counting failed ({answer.what})"
            return None
        return answer.value.input_tokens
