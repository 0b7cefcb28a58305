"""The end of a run: where its answers are, and its receipt."""

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backburner.cli.options import Wanted
from backburner.cli.output import Page
from backburner.cli.words import many
from backburner.nouns.output_file import FileState
from backburner.plan.output_files import is_left

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.client.finishing import Finished
    from backburner.nouns.run import Run
    from backburner.report.receipt import Receipt
    from backburner.runs.outputs import Written


@dataclass(frozen=True, slots=True)
class Placed:
    """Where answers are.

    Attributes:
        written: What was written; None where they were written before.
        is_left: Whether the file holds something else now, and was left as it is.
    """

    output: str
    written: "Written | None"
    is_left: bool = False


def written_where(
    backburner: "Backburner", run: "Run", finished: "Finished", wanted: Wanted
) -> list[Placed]:
    """Every place that now holds the run's answers; what was asked for and lacks is written."""
    from backburner.runs.path_template import whole_path  # noqa: PLC0415  # not for --help

    placed = []
    if finished.output is not None:
        placed.append(_own_place(backburner, finished.output, finished, wanted))
    asked = None if wanted.output is None else whole_path(wanted.output)
    if asked is not None and asked != finished.output:
        placed.append(Placed(asked, backburner.write(run.id, asked, force=wanted.force)))
    return placed


def _own_place(
    backburner: "Backburner", output: str, finished: "Finished", wanted: Wanted
) -> Placed:
    """Where the run itself writes: what is gone or gave way to another run's is written again.

    What a person made of it is left as it is.
    """
    if finished.written is not None:
        return Placed(output, finished.written)
    run = finished.receipt.run
    state = backburner.output_state(run, output)
    left = is_left(state) and not wanted.force
    if left or state is FileState.OWN:
        return Placed(output, None, is_left=left)
    return Placed(output, backburner.write(run, output, force=wanted.force))


def show_ending(page: Page, receipt: "Receipt", placed: list[Placed]) -> None:
    """The receipt and the paths."""
    page.line()
    places = (fact for one in placed for fact in _place_facts(receipt.run, one))
    page.facts([*receipt.lines(), *places])
    if not placed:
        page.line(f"The answers are kept: `backburner results {receipt.run} -o FILE` writes them.")


def _place_facts(run: str, one: Placed) -> list[tuple[str, str]]:
    shown = os.path.relpath(one.output)
    shown = one.output if shown.startswith("..") else shown
    if one.written is None:
        again = f"`backburner results {run} -o {shlex.quote(shown)}{' --force' * one.is_left}`"
        what = (
            "does not hold what was written, and is left as it is"
            if one.is_left
            else "written before"
        )
        return [("output", f"{shown} ({what}; {again} writes it again)")]
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
                "left": one.is_left,
                "rows": one.written.rows if one.written else None,
                "reviewed": one.written.reviewed if one.written else None,
                "review": str(one.written.review) if one.written and one.written.review else None,
            }
            for one in placed
        ],
        "receipt": receipt.to_json(),
    }
