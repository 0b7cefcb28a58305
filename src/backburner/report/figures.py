"""The figures of a report in words: the same for a terminal and for a page."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from backburner.nouns.money import Money, usd
from backburner.report.savings import SavingsReport
from backburner.report.spending import Spending, told_steps

_IN_NO_SUM: Final = "may have been paid, and is in no sum"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        shown: As a person reads it.
        exact: The amount to the picodollar, in US dollars; empty where it is no amount.
        what: What counts as it; empty where the label says it.
    """

    label: str
    shown: str
    exact: str = ""
    what: str = ""


def figures(report: SavingsReport) -> list[Figure]:
    """A report's total, in reading order."""
    total = report.total
    return [
        Figure("answers", _answers(total), what="billed ones, each attempt its own"),
        Figure("tokens", _tokens(total)),
        *staircase(total),
        _amount(total, "spent on retries", total.retries, "attempts after a request's first"),
        _amount(total, "wasted", total.wasted, "answers that nobody got"),
        Figure("in doubt", in_doubt(total), what=_IN_NO_SUM if total.doubted else ""),
        Figure("prices of", ", ".join(report.price_dates) or "no day: nothing was priced"),
    ]


def staircase(total: Spending) -> Iterator[Figure]:
    """From what all would have cost down to what was paid."""
    each = "each row a call of its own, without caching"
    yield _amount(total, "the same calls sync", total.full, each)
    for step in told_steps(total):
        yield _amount(total, f"saved by {step.words}", step.saved(total))
    if total.twice:
        yield _amount(total, "paid twice", total.twice, "batches that were accepted late")
    less = f"{100 * total.share:.0f} % less" if total.saved > 0 else ""
    yield _amount(total, "paid", total.paid, less)


def _amount(total: Spending, label: str, picodollars: int, what: str = "") -> Figure:
    return Figure(label, shown(total, picodollars), usd(picodollars), what)


def shown(one: Spending, picodollars: int) -> str:
    """One of its amounts for people: with a `?` where a part of it, or all, has no known price."""
    if not one.unpriced:
        return Money(picodollars=picodollars).show()
    return f"{Money(picodollars=picodollars).show()} + ?" if one.paid else "?"


def in_doubt(one: Spending) -> str:
    """What may have been paid: `nothing`, `200 requests, at most $1.20`."""
    if not one.doubted:
        return "nothing"
    requests = _requests(one.doubted)
    most = Money(picodollars=one.doubt).show()
    if not one.unbounded:
        return f"{requests}, at most {most}"
    if one.unbounded == one.doubted:
        return f"{requests}; their price is not known"
    return f"{requests}, at most {most} and what {one.unbounded:,} of them may have cost besides"


def _answers(total: Spending) -> str:
    if not total.unpriced:
        return f"{total.answers:,}"
    return f"{total.answers:,}; {total.unpriced:,} have no known price, and are in no amount"


def _tokens(total: Spending) -> str:
    usage = total.usage
    told = f"{usage.prompt_tokens:,} in, {usage.output_tokens:,} out"
    if not usage.cache_write_tokens and not usage.cache_read_tokens:
        return told
    return (
        f"{told}; of those in, {usage.cache_write_tokens:,} written to the cache and "
        f"{usage.cache_read_tokens:,} read from it"
    )


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"
