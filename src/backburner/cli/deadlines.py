"""Deadlines, as they are told in a plan: by when, how sure that is, and what if not."""

from typing import TYPE_CHECKING, Any

from backburner.cli.output import Facts
from backburner.cli.words import local, when

if TYPE_CHECKING:
    from backburner.nouns.run import Run
    from backburner.plan.deadlines import Outlook


def deadline_facts(one: "Outlook | None", run: "Run") -> Facts:
    """The deadline of a run that is about to be kept, and a warning where it is unsafe."""
    from backburner.nouns.money import Money  # noqa: PLC0415  # not for --help
    from backburner.plan.deadlines import warning  # noqa: PLC0415  # as above

    if one is None:
        return []
    now = one.sent_at
    unsafe = warning(one, lambda at: when(at, now))
    late = f"95 of 100 such runs are back by {when(one.late_at, now)} ({one.basis})"
    facts = [("deadline", f"{local(one.deadline):%a %H:%M}" + ("" if unsafe else f"; {late}"))]
    if unsafe:
        facts.append(("warning", unsafe))
    if run.rescue is not None:
        most = Money(picodollars=run.rescue).show()
        facts.append(("rescue", f"what would be late is asked sync, for at most {most}"))
    elif unsafe:
        facts.append(("rescue", "none: --rescue 2.00 asks sync for what would be late"))
    return facts


def outlook_json(one: "Outlook | None") -> dict[str, Any] | None:
    """A deadline and what is expected of it, as JSON values."""
    if one is None:
        return None
    return {
        "deadline": one.deadline,
        "late_at": one.late_at,
        "chance": round(one.chance, 4),
        "is_safe": one.is_safe,
        "basis": one.basis,
    }
