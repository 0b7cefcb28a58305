"""Deadlines, as they are told in a plan: by when, how sure that is, and what if not."""

from typing import TYPE_CHECKING, Any, Final

from backburner.cli.output import Facts
from backburner.cli.words import local, when
from backburner.nouns.spans import in_words

if TYPE_CHECKING:
    from backburner.nouns.run import Run
    from backburner.plan.deadlines import Outlook
    from backburner.plan.eta import Eta

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0


def deadline_facts(one: "Outlook | None", run: "Run", *, at_once: bool) -> Facts:
    """The deadline of a run that is about to be kept, and a warning where it is unsafe."""
    from backburner.nouns.money import Money  # noqa: PLC0415  # not for --help
    from backburner.plan.deadlines import warning  # noqa: PLC0415  # as above

    if one is None:
        return []
    now = run.created_at
    unsafe = warning(one, lambda at: when(at, now)) if run.rescue is None else None
    alone = "" if run.rescue is None else "without a rescue "
    late = f"{alone}95 of 100 such runs are back by {when(one.late_at, now)} ({one.basis})"
    facts = [("deadline", f"{local(one.deadline):%a %H:%M}" + ("" if unsafe else f"; {late}"))]
    if not at_once and one.sent_at > now:
        facts.append(("leaves", f"{when(one.sent_at, now)} at the latest, if something works then"))
    if unsafe:
        facts.append(("warning", unsafe))
        facts.append(("rescue", "none: --rescue 2.00 asks sync for what would be late"))
    if run.rescue is not None:
        most = Money(picodollars=run.rescue).show()
        often = f"{100 - int(one.chance * 100)} of 100 such runs need it"
        begins = when(max(one.ended_by, one.sent_at), now)
        facts.append(
            ("rescue", f"what is not back by {begins} is asked sync, for at most {most}; {often}")
        )
    return facts


def eta_in_words(eta: "Eta", now: float) -> str:
    """When something is back: `12-40 min (22:53-23:21), from your last 30 batches`."""
    first, last = max(eta.median - now, 0.0), max(eta.late - now, 0.0)
    clock = f"{when(eta.median, now)}-{when(eta.late, now)}"
    return f"{_range(first, last)} ({clock}), {eta.basis}"


def _range(first: float, last: float) -> str:
    if first >= _MINUTE and last < _HOUR:
        return f"{int(first // _MINUTE)}-{int(last // _MINUTE)} min"
    return f"{in_words(first)} to {in_words(last)}"


def run_deadline_facts(run: "Run", now: float) -> Facts:
    """The deadline of a run that was kept, and whether it was missed."""
    if run.deadline is None:
        return []
    is_kept = run.finished_at is not None and run.missed_at is None
    facts = [("deadline", f"{when(run.deadline, now)}{', kept' if is_kept else ''}")]
    if run.rescued_at is not None:
        facts.append(("rescued", f"from {when(run.rescued_at, now)} on: the rest is asked sync"))
    if run.missed_at is not None:
        facts.append(("missed", run.miss_cause or "its deadline is over"))
    return facts


def outlook_json(one: "Outlook | None") -> dict[str, Any] | None:
    """A deadline and what is expected of it, as JSON values."""
    if one is None:
        return None
    return {
        "deadline": one.deadline,
        "leaves_at": one.sent_at,
        "rescue_at": one.ended_by,
        "late_at": one.late_at,
        "chance": round(one.chance, 4),
        "is_safe": one.is_safe,
        "basis": one.basis,
    }
