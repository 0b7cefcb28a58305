"""The end of a run: where its answers are, and its receipt."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backburner.cli.options import Wanted
from backburner.cli.output import Page
from backburner.cli.words import many

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.client.finishing import Finished
    from backburner.nouns.run import Run
    from backburner.report.receipt import Receipt
    from backburner.runs.outputs import Written


@dataclass(frozen=True, slots=True)
class Placed:
    """Where answers are; `written` is None where they were written before."""

    output: str
    written: "Written | None"


def written_where(
    backburner: "Backburner", run: "Run", finished: "Finished", wanted: Wanted
) -> list[Placed]:
    """Every place that now holds the run's answers; what was asked for and lacks is written.

    A file that an earlier call wrote is left as it is: a person may have worked in it.
    """
    placed = []
    if finished.output is not None:
        written = finished.written
        if written is None and not _is_there(finished.output):
            written = backburner.write(run.id, finished.output, force=wanted.force)
        placed.append(Placed(finished.output, written))
    asked = None if wanted.output is None else os.path.abspath(wanted.output)  # noqa: PTH100
    if asked is not None and asked != finished.output:
        placed.append(Placed(asked, backburner.write(run.id, asked, force=wanted.force)))
    return placed


def _is_there(output: str) -> bool:
    return "{{" in output or "{%" in output or Path(output).exists()


def show_ending(page: Page, receipt: "Receipt", placed: list[Placed]) -> None:
    """The receipt and the paths."""
    page.line()
    page.facts([*receipt.lines(), *(fact for one in placed for fact in _place_facts(one))])
    if not placed:
        page.line(f"The answers are kept: `backburner results {receipt.run} -o FILE` writes them.")


def _place_facts(one: Placed) -> list[tuple[str, str]]:
    shown = os.path.relpath(one.output)
    shown = one.output if shown.startswith("..") else shown
    if one.written is None:
        again = "written before; `backburner results RUN -o FILE` writes it again"
        return [("output", f"{shown} ({again})")]
    facts = [("output", f"{shown} ({many(one.written.rows, 'row')})")]
    if one.written.review is not None:
        count = many(one.written.reviewed, "row")
        facts.append(("to look at", f"{one.written.review}: {count} with the reason"))
    return facts


def ending_json(
    backburner: "Backburner", run: "Run", receipt: "Receipt", placed: list[Placed]
) -> dict[str, Any]:
    """The end of a run as JSON values."""
    return {
        "run": run.id,
        "home": str(backburner.settings.home),
        "lane": run.lane,
        "outputs": [
            {
                "output": one.output,
                "rows": one.written.rows if one.written else None,
                "reviewed": one.written.reviewed if one.written else None,
                "review": str(one.written.review) if one.written and one.written.review else None,
            }
            for one in placed
        ],
        "receipt": receipt.to_json(),
    }
