"""What `status` shows of failed requests and of attempts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backburner.cli.output import Page
from backburner.cli.words import many

if TYPE_CHECKING:
    from backburner.client.failing import AttemptStanding, FailedRequest, Failures
    from backburner.nouns.run import Run

_STATES = {"waiting": "to be sent again", "travelling": "sent again", "held": "held", "final": ""}


def show_failures(page: Page, run: "Run", found: "Failures") -> None:
    """The requests of a run that are not ok."""
    if not found.count:
        page.line(f"no request of run {run.id} has failed")
    else:
        page.line(f"{many(found.count, 'request')} of run {run.id} not ok:")
        page.line()
        headings = ("request", "row", "outcome", "attempts", "cost", "", "reason")
        page.table(headings, [_row(one) for one in found.shown], " r  r")
        if found.count > len(found.shown):
            page.line(
                f"… and {found.count - len(found.shown):,} more; --limit N shows more of them"
            )
        page.line()
        page.line(f"`backburner retry {run.id}` sends those again that are over")
    page.finish(
        {"run": run.id, "failed": found.count, "requests": [_failed_json(o) for o in found.shown]}
    )


def _row(one: "FailedRequest") -> list[str]:
    told = ", ".join(attempt_in_words(attempt) for attempt in one.attempts)
    state = _STATES[one.state]
    return [
        one.name,
        f"{one.row:,}",
        str(one.outcome),
        told,
        cost_of(one.attempts),
        state,
        one.reason,
    ]


def attempt_in_words(one: "AttemptStanding") -> str:
    """One attempt: `truncated`, `max_tokens:200 ok`, `server_error (api_error)`."""
    change = f"{one.change} " if one.change else ""
    error = f" ({one.error_type})" if one.error_type else ""
    return f"{change}{one.outcome}{error}"


def cost_of(attempts: "Sequence[AttemptStanding]") -> str:
    """What attempts cost together, in words."""
    known = [one.cost for one in attempts if one.cost is not None]
    if not known or len(known) < len(attempts):
        return "unknown" if attempts else "$0.00"
    return sum(known[1:], known[0]).show()


def attempts_json(attempts: "Sequence[AttemptStanding]") -> list[dict[str, Any]]:
    """Attempts as JSON values."""
    return [
        {
            "attempt": one.attempt,
            "outcome": str(one.outcome),
            "error_type": one.error_type or None,
            "change": one.change,
            "batch": one.upstream_id or None,
            "cost_usd": None if one.cost is None else one.cost.usd(),
        }
        for one in attempts
    ]


def _failed_json(one: "FailedRequest") -> dict[str, Any]:
    return {
        "request_id": one.name,
        "row": one.row,
        "outcome": str(one.outcome),
        "state": str(one.state),
        "reason": one.reason,
        "attempts": attempts_json(one.attempts),
    }
