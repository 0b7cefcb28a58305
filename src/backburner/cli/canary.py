"""A run's canary on the page: its answers, what they cost, and what follows."""

from typing import TYPE_CHECKING, Any, Final

from backburner.cli.choosing import is_wanted
from backburner.cli.output import Page
from backburner.cli.plan_json import price_json
from backburner.cli.planning import price_in_words
from backburner.cli.session import Session
from backburner.cli.words import either, many, price
from backburner.errors import NothingChosen

if TYPE_CHECKING:
    from backburner.client.canary import Canary

_SHOWN: Final = 20
"""Answers on the page; all of them are in the output of `--json`."""

_ANSWER: Final = 60


def show_canary(page: Page, canary: "Canary") -> None:
    """The answers, and what the whole will cost."""
    page.line()
    page.line(f"The canary of run {canary.run} is back:")
    rows = [
        (f"{row:,}", _short(answer.answer or answer.reason), answer.outcome, answer.cost_usd)
        for row, answer in zip(canary.rows, canary.answers, strict=True)
    ]
    page.table(("row", "answer", "outcome", "cost_usd"), rows[:_SHOWN], "r  r")
    if len(rows) > _SHOWN:
        page.line(f"… and {len(rows) - _SHOWN:,} more")
    count = len(rows)
    tokens = f"{canary.input_tokens / count:,.0f} in and {canary.output_tokens / count:,.0f} out"
    page.facts(
        [
            ("paid", f"{price(canary.paid)} for {many(count, 'request')}"),
            ("tokens on average", tokens),
            ("the whole run", _projected(canary)),
        ]
    )


def may_go_on(session: Session, page: Page, canary: "Canary", *, yes: bool) -> bool:
    """Whether the rest may go: all are ok, and a person agrees.

    Raises:
        NothingChosen: Nobody is there to be asked.
    """
    if not canary.is_all_ok:
        return False
    if not yes and (session.ask is None or page.as_json):
        raise NothingChosen(
            f"nobody is there to say whether the other {many(canary.held, 'request')} may go",
            hint=f"add --yes, or `backburner release {canary.run}`",
        )
    return is_wanted(session, page, f"Send the other {many(canary.held, 'request')}?", yes=yes)


def show_held(page: Page, canary: "Canary") -> None:
    """What a person can do about the rest."""
    page.line()
    why = "" if canary.is_all_ok else ", since not all are ok"
    are = either(canary.held, "is", "are")
    page.line(f"The other {many(canary.held, 'request')} {are} held{why}.")
    page.facts(
        [
            ("send them", f"backburner release {canary.run}"),
            ("drop them", f"backburner cancel {canary.run}"),
        ]
    )


def canary_json(canary: "Canary") -> dict[str, Any]:
    """The canary as JSON values."""
    return {
        "requests": len(canary.answers),
        "held": canary.held,
        "all_ok": canary.is_all_ok,
        "paid_usd": None if canary.paid is None else canary.paid.usd(),
        **(price_json(canary.projected, "projected_") if canary.projected else {}),
        "answers": [
            {
                "row": row,
                "answer": answer.answer,
                "outcome": answer.outcome,
                "reason": answer.reason,
                "cost_usd": answer.cost_usd,
                "request_id": answer.request_id,
            }
            for row, answer in zip(canary.rows, canary.answers, strict=True)
        ],
    }


def _projected(canary: "Canary") -> str:
    if canary.projected is None:
        return "unknown: there is no price for its model"
    return f"{price_in_words(canary.projected)}, if the rest is like it"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _ANSWER else line[: _ANSWER - 1] + "…"
