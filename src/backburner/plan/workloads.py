"""Workloads: requests to one model, as much of them as an estimate depends on."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from backburner.nouns.model import most_output_tokens
from backburner.plan.sampling import Sampler, Stratum, changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Requests to one model.

    Attributes:
        requests: How many requests, after identical ones are collapsed.
        max_output_tokens: The sum of their `max_tokens`, each of them no more than the model gives.
        strata: Their sizes, and a sample of each size.
    """

    model: str
    requests: int
    max_output_tokens: int
    strata: tuple[Stratum, ...]

    def changed(self, change: Callable[[bytes], bytes]) -> "Workload":
        """The same requests as they travel, where marks are added to their bodies."""
        return replace(self, strata=tuple(changed(one, change) for one in self.strata))


class Tally:
    """Takes one model's requests in as they are staged."""

    __slots__ = ("_most", "_outputs", "_requests", "_sampler")

    def __init__(self, model: str, betas: Collection[str] = ()) -> None:
        self._most = most_output_tokens(model, betas)
        self._requests = self._outputs = 0
        self._sampler = Sampler()

    def add(self, body: bytes, max_tokens: int) -> None:
        """Count a request in."""
        self._requests += 1
        self._outputs += min(self._most, max_tokens)
        self._sampler.add(body)

    def workload(self, model: str) -> Workload:
        """What was counted in."""
        return Workload(
            model=model,
            requests=self._requests,
            max_output_tokens=self._outputs,
            strata=self._sampler.strata(),
        )
