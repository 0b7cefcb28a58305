"""A month of one company's calls under three policies, by the emulator's bill: `make month`."""

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from backburner.cli.output import Page
from backburner.nouns.money import PICODOLLARS
from bench.month.mix import MIX, Mix, read_mix
from bench.month.policies import Month, all_sync, deadlines_and_routes, nightly_window

POLICIES = (all_sync, nightly_window, deadlines_and_routes)
SHARES = range(10, 100, 10)


def main() -> None:
    """Play the month three times, and print what each way cost and kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.month", description=__doc__)
    parser.add_argument("--mix", type=Path, default=MIX, help="another mix of calls")
    mix = read_mix(parser.parse_args().mix)
    with (
        tempfile.TemporaryDirectory(prefix="backburner-month-") as place,
        ProcessPoolExecutor() as processes,
    ):
        begun = [processes.submit(one, mix, Path(place) / one.__name__) for one in POLICIES]
        months = [one.result() for one in begun]
    page = Page()
    page.line(f"{mix.calls:,} calls in {mix.days} days, each way on an emulator of its own")
    page.line()
    page.table(
        ("policy", "paid", "saved", "calls sync", "answered in time"),
        [month_row(one, months[0]) for one in months],
        " rrrr",
    )
    page.line()
    page.line("What it would save with another share of calls that somebody waits for, computed")
    page.line("from the same months' ledgers (cost of a call of each kind), not run again:")
    page.line()
    page.table(
        ("urgent calls", *(one.name for one in months[1:])),
        [(f"{share} %", *saved_at(mix, months, share)) for share in SHARES],
        "rrr",
    )
    page.line()
    page.line("The article: sync falls to 20-30 % of calls, and the bill by 30-50 %.")
    page.line("Nothing was paid: the amounts are the emulator's, and its turnarounds a model")
    page.line("(log-normal, half within 7 minutes, 90 of 100 within an hour).")


def month_row(month: Month, sync: Month) -> tuple[str, ...]:
    """One policy's line."""
    return (
        month.name,
        f"${month.paid / PICODOLLARS:,.2f}",
        percent(1 - month.paid / sync.paid),
        percent(month.sync_calls / month.calls),
        percent(1 - month.late / month.calls, digits=2),
    )


def saved_at(mix: Mix, months: Sequence[Month], share: int) -> list[str]:
    """What each policy but the first saves when so many of 100 calls are urgent."""
    _, nightly, _ = months
    sync = blended(mix, nightly.sync_by_kind, share)
    return [percent(1 - blended(mix, one.paid_by_kind, share) / sync) for one in months[1:]]


def blended(mix: Mix, by_kind: dict[str, int], share: int) -> float:
    """The cost of one call on average, the kinds of each sort in the proportions of the mix."""
    return sum(
        weight / 100 * cost_of_a_call(mix, by_kind, urgent=urgent)
        for weight, urgent in ((share, True), (100 - share, False))
    )


def cost_of_a_call(mix: Mix, by_kind: dict[str, int], *, urgent: bool) -> float:
    """Picodollars of an urgent call on average, or of another."""
    kinds = [kind for kind in mix.kinds if kind.urgent is urgent]
    return sum(by_kind[kind.name] for kind in kinds) / sum(mix.calls * kind.share for kind in kinds)


def percent(share: float, digits: int = 0) -> str:
    """Such as `42 %`."""
    return f"{100 * share:.{digits}f} %"


if __name__ == "__main__":
    main()
