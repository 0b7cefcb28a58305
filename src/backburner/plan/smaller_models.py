"""Which model is the next smaller one."""

from typing import Final

from backburner.nouns.model import line_of
from backburner.nouns.tariff import Tariff, undated
from backburner.plan.lifecycle import newest_of_lines

_LINES: Final = ("haiku", "sonnet", "opus", "fable")
"""From the smallest to the largest. Source: platform.claude.com models/overview, 2026-08-22."""


def next_smaller(model: str, tariff: Tariff) -> str | None:
    """The newest model of the next smaller line that costs less; None where there is none."""
    name = undated(model)
    line, price = line_of(name), tariff.find(model)
    if line not in _LINES or price is None:
        return None
    newest = newest_of_lines(tariff.models)
    for smaller in reversed(_LINES[: _LINES.index(line)]):
        found = newest.get(smaller)
        if found is not None and tariff.models[found].sync.input < price.sync.input:
            return found
    return None
