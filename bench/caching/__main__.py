"""Layouts and cache marks on two real tables: the Debian package index and Python's own functions.

Both are built on the spot. How much rows share is counted in two ways, both with the names of the
fields and without instructions, for a cache that forgets nothing: by whole cells, in tokens of 3.5
characters, and by characters. Costs are of the input alone, where 1 is no cache; they follow from
the hit rate named, and are no measurement of Anthropic's cache.
"""

import argparse
import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from backburner.caching import (
    Column,
    Layout,
    fixed_order,
    one_order,
    plan_layout,
    shared,
    spanning_bound,
    total_tokens,
)
from bench.caching.costs import CASES, HIT_RATES, CostLine, cost_lines, overruns, trie_of_rows
from bench.caching.scoring import characters_shared, columns_of, tail_of
from bench.caching.speed import MOST_SECONDS, SIZES, Timing, timings
from bench.caching.tables import TextTable, debian_packages, library_functions

OUT: Final = Path(__file__).resolve().parents[1] / "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How much rows of one table share, under one order of their columns.

    Attributes:
        of_bound: The same by cells, as a share of what no layout can exceed.
    """

    table: str
    rows: int
    order: str
    by_cells: float
    by_characters: float
    of_bound: float
    seconds: float


def shares(table: TextTable) -> list[Shares]:
    """The order of the table, the best fixed one, ours, and the bound."""
    columns = columns_of(table)
    rows, tail = len(table.rows), tail_of(table)
    total, (bound, bound_seconds) = total_tokens(columns), _bound(columns)

    def line(order: str, layout: Layout, seconds: float) -> Shares:
        cells = shared(columns, layout)
        return Shares(
            table=table.name,
            rows=rows,
            order=order,
            by_cells=cells / total,
            by_characters=characters_shared(table, layout),
            of_bound=cells / bound if bound else 1.0,
            seconds=seconds,
        )

    begun = time.process_time()
    fixed = one_order(fixed_order(columns, tail), rows)
    between = time.process_time()
    planned = plan_layout(columns, tail)
    ended = time.process_time()
    most = Shares(
        table=table.name,
        rows=rows,
        order="bound",
        by_cells=bound / total if total else 0.0,
        by_characters=float("nan"),
        of_bound=1.0,
        seconds=bound_seconds,
    )
    return [
        line("the table's", one_order(tuple(range(len(columns))), rows), 0.0),
        line("best fixed", fixed, between - begun),
        line("ours", planned, ended - between),
        most,
    ]


def _bound(columns: list[Column]) -> tuple[int, float]:
    begun = time.process_time()
    bound = spanning_bound(columns, patience=None)
    assert bound is not None  # noqa: S101  # there is no end to its patience
    return bound, time.process_time() - begun


def costs(table: TextTable) -> dict[str, list[CostLine]]:
    """What each way of caching costs, in the order of the table and in ours."""
    columns, tail, rows = columns_of(table), tail_of(table), len(table.rows)
    layouts = {
        "the table's order": one_order(tuple(range(len(columns))), rows),
        "our layout": plan_layout(columns, tail),
    }
    return {
        name: [
            line
            for instructions, minimum in CASES
            for line in cost_lines(
                trie_of_rows(columns, layout, instructions), instructions, minimum
            )
        ]
        for name, layout in layouts.items()
    }


def shares_in_words(found: list[Shares]) -> str:
    """The shares as a plain table."""
    lines = [
        f"{'table':10}{'rows':>8}  {'order':12}{'cells':>8}{'chars':>8}{'of bound':>10}{'CPU s':>7}"
    ]
    for one in found:
        chars = "" if one.order == "bound" else f"{one.by_characters:.1%}"
        lines.append(
            f"{one.table:10}{one.rows:8,}  {one.order:12}{one.by_cells:8.1%}{chars:>8}"
            f"{one.of_bound:10.1%}{one.seconds:7.1f}"
        )
    return "\n".join(lines)


def timings_in_words(found: list[Timing]) -> str:
    """The timings as a plain table."""
    lines = [f"{'table':32}{'rows':>8}{'CPU s':>9}"]
    lines += [f"{one.table:32}{one.rows:8,}{one.seconds:9.1f}" for one in found]
    return "\n".join(lines)


def costs_in_words(found: dict[str, list[CostLine]]) -> str:
    """The costs as plain tables."""
    heads = "".join(f"{f'p = {hit:g}':>10}" for hit in HIT_RATES)
    lines = []
    for name, table in found.items():
        lines.append(f"{name:28}{heads}")
        case = None
        for one in table:
            if case != (one.instructions, one.minimum):
                case = one.instructions, one.minimum
                lines.append(f" {one.instructions:,} before, {one.minimum:,} at least")
            figures = "".join(f"{cost:10.2f}" for cost in one.costs)
            lines.append(f"  {one.policy:26}{figures}")
    return "\n".join(lines)


def broken(found: list[Shares], took: list[Timing], paid: dict[str, list[CostLine]]) -> list[str]:
    """Promises that were not kept."""
    ours = {one.table: one.by_cells for one in found if one.order == "ours"}
    return [
        *(f"{one.table}: {one.order} shares more" for one in found
          if one.order not in {"ours", "bound"} and one.by_cells > ours[one.table]),
        *(f"{one.table}: {one.rows:,} rows took {one.seconds:.1f} s of CPU" for one in took
          if one.seconds > MOST_SECONDS),
        *(f"{one.policy}, {name}: dearer than no cache" for name, lines in paid.items()
          for one in overruns(lines)),
    ]  # fmt: skip


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.caching", description=__doc__)
    parser.add_argument("--rows", type=int, help="take only the first rows of each table")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="rows to time")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def main() -> None:
    """Builds the tables, measures, and tells what came of it."""
    args = arguments()
    packages, functions = debian_packages(args.rows), library_functions(args.rows)
    if packages is None:
        print("no apt-cache here, or it knows of no package: the Debian table is left out\n")
    tables = [table for table in (packages, functions) if table is not None]
    print(f"{os.cpu_count()} CPUs, Python {platform.python_version()}\n")
    found = [one for table in tables for one in shares(table)]
    print(f"{shares_in_words(found)}\n", flush=True)
    took = list(timings(packages, args.sizes))
    if took:
        print(f"{timings_in_words(took)}\n", flush=True)
    paid = costs(tables[-1])
    print(f"{costs_in_words(paid)}\n")
    figures = {
        "shares": [asdict(one) for one in found],
        "seconds": [asdict(one) for one in took],
        "costs": {name: [asdict(one) for one in lines] for name, lines in paid.items()},
    }
    path = args.json or OUT / "caching.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n")
    if faults := broken(found, took, paid):
        raise SystemExit("\n".join(faults))
    print("Ours shares no less than a fixed order; no plan is dearer than no cache.")
    print(f"No layout took more than {MOST_SECONDS:g} s of CPU.")


if __name__ == "__main__":
    main()
