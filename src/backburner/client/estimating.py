"""What work will cost, before it is sent."""

from collections.abc import Sequence

from backburner.client.answered import answered_like
from backburner.client.checking import unpriced
from backburner.nouns.urgency import via_of
from backburner.plan.estimating import Estimate, Known, estimate_all, planned_hit_rate
from backburner.plan.workloads import Workload
from backburner.runs.staging import Staged
from backburner.worker import Tools


def unpriced_models(tools: Tools, works: Sequence[Workload]) -> tuple[str, ...]:
    """The models of some work of which no price is known."""
    return unpriced(tools.tariff([]), [work.model for work in works])


def estimate_work(tools: Tools, works: Sequence[Workload]) -> Estimate | None:
    """What work will cost, as a range; None where there is none, or a price is not known."""
    if unpriced_models(tools, works):
        return None
    return estimate_all(tools.tariff([work.model for work in works]), works)


def estimate_staged(tools: Tools, staged: Staged) -> Estimate | None:
    """What a staged run will cost, as a range; None where it holds nothing."""
    return _estimate(tools, staged, staged.workloads)


def estimate_canary(tools: Tools, staged: Staged) -> Estimate | None:
    """The same of the requests that its canary sends first; None where it has none."""
    return _estimate(tools, staged, staged.canary)


def _estimate(tools: Tools, staged: Staged, works: Sequence[Workload]) -> Estimate | None:
    if unpriced_models(tools, works):
        return None
    run = staged.run
    answered = answered_like(tools.store, tools.vault, run.lane, run.name, run.parts)
    return estimate_all(
        tools.tariff([work.model for work in works]),
        works,
        lambda work: Known(
            answered=answered(work.model), hit_rate=planned_hit_rate(staged.cache, work.model)
        ),
        via_of(run.urgency),
    )
