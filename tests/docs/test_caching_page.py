"""The page on caching says what the planner does."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from backburner.caching import CacheTerms, HitRates, Start, Ttl, break_even, lead_below
from backburner.plan.caching.learning import PRIORS

PAGE = (Path(__file__).parents[2] / "docs" / "caching.md").read_text(encoding="utf-8")
TERMS = CacheTerms(
    minimum_tokens=0,
    input=100,
    read=10,
    write_5m=125,
    write_1h=200,
    hits=HitRates(five_minutes=0.5, one_hour=0.5),
)


def test_the_example_prints_what_the_page_says() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (said,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    printed = io.StringIO()

    with redirect_stdout(printed):
        exec(compile(code, "docs/caching.md", "exec"), {})  # noqa: S102

    assert printed.getvalue() == said


@pytest.mark.parametrize(
    ("name", "ttl"), [("five minutes", Ttl.FIVE_MINUTES), ("one hour", Ttl.ONE_HOUR)]
)
def test_the_table_of_break_even_rates_is_computed(name: str, ttl: Ttl) -> None:
    found = [break_even(TERMS, requests, ttl) for requests in (2, 3, 5, 10, 10**9)]

    cells = ["never" if rate is None else f"{float(rate) * 100:.1f} %" for rate in found]
    assert f"| {name} | {' | '.join(cells)} |" in PAGE


def test_the_rates_below_which_leading_is_cheaper_are_computed() -> None:
    rates = {c: f"{float(lead_below(TERMS, c, 0.95)) * 100:.0f} %" for c in (3, 5, 10, 100)}

    assert (
        f"below {rates[3]} (3 requests on a prefix), {rates[5]} (5), {rates[10]} (10) or "
        f"{rates[100]} (100)"
    ) in PAGE


def test_the_rate_reckoned_with_at_first_is_the_priors() -> None:
    assert f"nine times in ten: {PRIORS[Start.COLD].low() * 100:.0f} %" in PAGE
