"""The report as one HTML page with pictures, which asks nobody for anything."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined

from backburner.nouns.money import usd
from backburner.report.figures import figures, shown
from backburner.report.pictures import DARK, LIGHT, pictures
from backburner.report.savings import SavingsReport
from backburner.report.spending import STAIRCASE, Spending, told_steps

MARK: Final = '<meta name="generator" content="backburner report">'
"""What a page of ours begins with, so that only such a page is replaced without asking."""

_ASSETS: Final = files("backburner.report") / "assets"
_environment: Final = Environment(
    autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page_of(report: SavingsReport, head: Sequence[tuple[str, str]], made: str) -> str:
    """The page of a report.

    Args:
        report: The report.
        head: Labels and values to say first.
        made: The day on which it was made.
    """
    drawn = pictures(report)
    told = told_steps(report.total)
    steps = [step.words for step in told]
    return rendered(
        "page.html.j2",
        mark=MARK,
        title=_title(report),
        report=report,
        head=head,
        figures=figures(report),
        made=made,
        steps=steps,
        has_twice=bool(report.total.twice),
        rows=[(group.title, _cells(report, group.spending)) for group in report.groups],
        total=_cells(report, report.total),
        pictures=drawn,
        options={one.name: {"light": one.light, "dark": one.dark} for one in drawn},
        legend=[
            ("paid", LIGHT.paid, DARK.paid),
            *(
                (step.words, light, dark)
                for step, light, dark in zip(STAIRCASE, LIGHT.saved, DARK.saved, strict=True)
                if step in told
            ),
        ],
        script=_text("echarts.simple.min.js"),
    )


def rendered(template: str, **values: object) -> str:
    """A page of ours; whatever stands in a value is text, and never markup."""
    return _environment.from_string(_text(template)).render(values)


def _text(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _title(report: SavingsReport) -> str:
    if report.choice.run is not None:
        return f"Receipt of run {report.choice.run}"
    return "What was paid and saved"


def _cells(report: SavingsReport, one: Spending) -> list[tuple[str, str, str]]:
    """Column, text, and exact amount of each cell of a row."""
    steps = told_steps(report.total)
    amounts = [("sync", one.full), *((step.words, step.saved(one)) for step in steps)]
    amounts += [("paid twice", one.twice)] if report.total.twice else []
    amounts += [("paid", one.paid), ("retries", one.retries), ("wasted", one.wasted)]
    cells = [("answers", f"{one.answers:,}", "")]
    cells += [(column, shown(one, amount), usd(amount)) for column, amount in amounts]
    if report.total.doubted:
        cells.append(("in doubt", f"{one.doubted:,}" if one.doubted else "", ""))
    return cells
