"""Pictures of a report, as options for ECharts: where the money went, by day, and by group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backburner.nouns.money import PICODOLLARS, Money
from backburner.report.savings import By, Group, SavingsReport
from backburner.report.spending import STAIRCASE, Spending, told_steps

Option = Mapping[str, Any]

_MOST_BARS: Final = 12
_BAR_PIXELS: Final = 30
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours that can be told apart, on light or on dark paper.

    Attributes:
        saved: One for each step of the staircase.
        lost: For what makes things dearer.
    """

    text: str
    faint: str
    full: str
    paid: str
    lost: str
    saved: Sequence[str]


# The colours of Okabe and Ito, which people with any kind of colour vision tell apart.
LIGHT: Final = Palette(
    text="#1f2328",
    faint="#d0d7de",
    full="#8c959f",
    paid="#0072b2",
    lost="#d55e00",
    saved=("#56b4e9", "#cc79a7", "#009e73", "#e69f00"),
)
DARK: Final = Palette(
    text="#e6edf3",
    faint="#3d444d",
    full="#848d97",
    paid="#4aa8e0",
    lost="#e8814a",
    saved=("#9ad5f5", "#e3a3c6", "#2fc49a", "#f0b84d"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture; `pixels` is its height."""

    name: str
    title: str
    pixels: int
    light: Option
    dark: Option


def pictures(report: SavingsReport) -> list[Picture]:
    """The pictures of a report: none where nothing was spent."""
    if not report.total.full and not report.total.paid:
        return []
    found = [_drawn("staircase", "Where the money went", 280, _staircase, report.total)]
    if len(report.days) > 1 and report.choice.by is not By.DAY:
        found.append(_drawn("days", "By day", 300, _columns, report.days))
    if len(report.groups) > 1:
        found.append(_groups(report))
    return found


def _drawn(name: str, title: str, pixels: int, draw: Any, what: Any) -> Picture:
    return Picture(
        name=name, title=title, pixels=pixels, light=draw(what, LIGHT), dark=draw(what, DARK)
    )


def _groups(report: SavingsReport) -> Picture:
    by = report.choice.by
    if by is By.DAY:
        return _drawn("groups", "By day", 300, _columns, report.groups)
    dearest = sorted(report.groups, key=lambda group: -group.spending.full)[:_MOST_BARS]
    title = f"By {by}"
    if len(dearest) < len(report.groups):
        title += f", the {_MOST_BARS} largest"
    named = [(group.title, group.spending) for group in dearest]
    return _drawn("groups", title, 70 + _BAR_PIXELS * len(named), _bars, named)


def _staircase(total: Spending, palette: Palette) -> Option:
    """A bar that begins where the one before it ended."""
    names, bases, bars = ["sync"], [0], [_bar(total.full, palette.full, palette.text)]
    left = total.full
    steps = [
        (step.words, -step.saved(total), colour)
        for step, colour in zip(STAIRCASE, palette.saved, strict=True)
        if step in told_steps(total)
    ]
    if total.twice:
        steps.append(("paid twice", total.twice, palette.lost))
    for words, change, colour in steps:
        names.append(words)
        bases.append(min(left, left + change))
        dearer = palette.lost if change > 0 else colour
        bars.append(_bar(abs(change), dearer, palette.text, change))
        left += change
    return {
        **_common(palette),
        "xAxis": _category([*names, "paid"], palette),
        "yAxis": _dollars(palette),
        "series": [
            {"type": "bar", "stack": "all", "silent": True, "data": _hidden([*bases, 0])},
            {
                "type": "bar",
                "stack": "all",
                "barMaxWidth": 90,
                "data": [*bars, _bar(total.paid, palette.paid, palette.text)],
            },
        ],
    }


def _bar(picodollars: int, colour: str, text: str, shown: int | None = None) -> Option:
    """A bar with its amount above it; a change is shown with its sign."""
    money = Money(picodollars=picodollars if shown is None else shown)
    sign = "+" if shown is not None and shown > 0 else ""
    return {
        "value": picodollars / PICODOLLARS,
        "itemStyle": {"color": colour},
        "label": {
            "show": True,
            "position": "top",
            "color": text,
            "textBorderWidth": 0,
            "formatter": f"{sign}{money.show()}",
        },
    }


def _hidden(values: Iterable[int]) -> list[Option]:
    return [
        {"value": value / PICODOLLARS, "itemStyle": {"color": "transparent"}} for value in values
    ]


def _columns(days: Sequence[Group], palette: Palette) -> Option:
    return {
        **_common(palette),
        "xAxis": _category([day.key for day in days], palette),
        "yAxis": _dollars(palette),
        "series": _stacked([day.spending for day in days], palette),
    }


def _bars(named: Sequence[tuple[str, Spending]], palette: Palette) -> Option:
    return {
        **_common(palette),
        "xAxis": _dollars(palette),
        "yAxis": {**_category([name for name, _ in named], palette), "inverse": True},
        "series": _stacked([one for _, one in named], palette),
    }


def _stacked(parts: Sequence[Spending], palette: Palette) -> list[Option]:
    """Paid, and each saving beside it: together, what all would have cost."""
    layers = [("paid", [one.paid for one in parts], palette.paid)]
    layers += [
        (f"saved by {step.words}", [step.saved(one) for one in parts], colour)
        for step, colour in zip(STAIRCASE, palette.saved, strict=True)
    ]
    return [
        {
            "name": name,
            "type": "bar",
            "stack": "all",
            "barMaxWidth": 60,
            "itemStyle": {"color": colour},
            "data": [amount / PICODOLLARS for amount in amounts],
        }
        for name, amounts, colour in layers
        if any(amounts)
    ]


def _common(palette: Palette) -> Option:
    return {
        "animation": False,
        "textStyle": {"fontFamily": _FONT, "color": palette.text},
        "grid": {"left": 16, "right": 32, "top": 32, "bottom": 8, "containLabel": True},
    }


def _category(names: Sequence[str], palette: Palette) -> Option:
    return {
        "type": "category",
        "data": list(names),
        "axisTick": {"show": False},
        "axisLine": {"lineStyle": {"color": palette.faint}},
        "axisLabel": {"color": palette.text, "width": 180, "overflow": "truncate"},
    }


def _dollars(palette: Palette) -> Option:
    return {
        "type": "value",
        "splitLine": {"lineStyle": {"color": palette.faint}},
        "axisLabel": {"color": palette.text, "formatter": "${value}"},
    }
