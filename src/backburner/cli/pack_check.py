"""A check of packing on the page: how often packs and single calls agree, and what follows."""

from typing import TYPE_CHECKING, Any, Final

from backburner.cli.choosing import is_wanted
from backburner.cli.output import Page
from backburner.cli.session import Session
from backburner.cli.words import many
from backburner.errors import NothingChosen

if TYPE_CHECKING:
    from backburner.client.pack_check import CheckedRow, PackCheck

_SHOWN: Final = 20
_ANSWER: Final = 40


def show_check(page: Page, check: "PackCheck") -> None:
    """How often both agree, and the rows in which they do not."""
    page.line()
    page.line(f"The first {many(len(check.rows), 'row')} of run {check.run} were asked both ways:")
    differing = [row for row in check.rows if row.is_equal is False]
    facts = [("equal answers", _agreement(check))]
    if lost := len(check.rows) - check.compared:
        facts.append(("not compared", f"{many(lost, 'row')} without an answer of its own"))
    page.facts(facts)
    if differing:
        page.line()
        page.table(("row", "in a pack", "alone"), [_cells(row) for row in differing[:_SHOWN]], "r")
    if len(differing) > _SHOWN:
        page.line(f"… and {len(differing) - _SHOWN:,} more")


def may_go_on(session: Session, page: Page, check: "PackCheck", *, yes: bool) -> bool:
    """Whether the rest may go as packs: a person agrees, or all are equal and nobody is asked.

    Raises:
        NothingChosen: Nobody is there to be asked.
    """
    if yes:
        return check.is_all_equal
    if session.ask is None or page.as_json:
        raise NothingChosen(
            f"nobody is there to say whether the other {many(check.held, 'request')} may go",
            hint=f"`backburner release {check.run}`; --yes lets them go where all are equal",
        )
    return is_wanted(session, page, f"Send the other {many(check.held, 'request')}?", yes=False)


def check_json(check: "PackCheck") -> dict[str, Any]:
    """The check as JSON values."""
    low, high = check.interval
    return {
        "rows": len(check.rows),
        "compared": check.compared,
        "equal": check.equal,
        "interval_95": [low, high],
        "held": check.held,
        "answers": [
            {
                "row": row.row,
                "packed": row.packed,
                "alone": row.alone.answer,
                "outcome": row.alone.outcome,
                "equal": row.is_equal,
            }
            for row in check.rows
        ],
    }


def _agreement(check: "PackCheck") -> str:
    if not check.compared:
        return "none could be compared"
    low, high = check.interval
    share = check.equal / check.compared
    return (
        f"{check.equal:,} of {check.compared:,} ({share:.1%}); "
        f"of all rows {low:.1%} to {high:.1%}, with a confidence of 95 %"
    )


def _cells(row: "CheckedRow") -> tuple[str, str, str]:
    packed = "no answer" if row.packed is None else _short(row.packed)
    return f"{row.row:,}", packed, _short(row.alone.answer)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _ANSWER else line[: _ANSWER - 1] + "…"
