"""One pass over lanes, for cron: what is due is done, and nothing is waited for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from backburner.client.closing import runs_to_close
from backburner.client.driving import drain
from backburner.client.finishing import Finished, finish
from backburner.client.pruning import prune_old
from backburner.plan.lanes import Allowance, ReleaseAll, ReleaseDue, ReleaseRetries
from backburner.worker import Tools
from backburner.worker.sweeping import sweep


@dataclass(frozen=True, slots=True)
class Drained:
    """What one pass did: the runs it finished, and the lanes it could not serve, with why."""

    finished: tuple[Finished, ...]
    passed_over: Mapping[str, str] = field(default_factory=dict)


def allowed(*, collect_only: bool, now: bool) -> Allowance:
    """What a pass may release.

    Args:
        collect_only: No first attempts.
        now: All that waits, whatever the window.
    """
    if collect_only:
        return ReleaseRetries()
    return ReleaseAll() if now else ReleaseDue(makes_up=False, gathers=False)


def one_pass(
    tools: Tools,
    lanes: Sequence[str],
    allowance: Allowance,
    finished: Callable[[Finished], None],
    tell: Callable[[], None],
) -> tuple[Finished, ...]:
    """Do all that is due in some lanes, close and write the runs that ended, and tell of it.

    Raises:
        LaneStopped: Nothing is sent in one of them; what is upstream was still collected.
    """
    stopped = drain(tools, tuple(lanes), allowance)
    ended = runs_to_close(tools, lanes)
    sweep(tools)
    done = []
    for run in ended:
        if (one := finish(tools, run)) is not None:
            done.append(one)
            finished(one)
    prune_old(tools)
    tell()
    if stopped is not None:
        raise stopped
    return tuple(done)
