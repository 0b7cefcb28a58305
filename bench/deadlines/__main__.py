"""What deadlines cost by policy, beside all sync, and how often they fail, by the emulator's bill.

Time is the emulator's. Each policy does the same jobs under the same turnarounds, drawn evenly from
a log-normal or a bimodal distribution. `given up` is what the rule costs where a batch that is
given up has brought nothing; in the emulator requests end one after the other, so what a batch had
done by then is kept, and ours costs less.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.deadlines.arena import Task, arena, paid_twice
from bench.deadlines.policies import POLICIES
from bench.deadlines.turnarounds import DISTRIBUTIONS, drawn, expected_cost

OUT: Final = Path(__file__).resolve().parents[1] / "out"
_MORNING: Final = 14 * 3600.0
"""Seconds from 17:00 to 07:00."""

DEADLINES: Final = {
    "10 min": 600.0,
    "30 min": 1800.0,
    "60 min": 3600.0,
    "240 min": 14_400.0,
    "by morning": _MORNING,
}
_RULE_MARGIN: Final = 120.0
"""Seconds that the table of the rule takes for a cancel and the calls after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One policy under one deadline.

    Attributes:
        cost: Beside all sync.
        missed: Jobs that were late.
        twice: Rows that were paid both ways.
        expected: What the rule costs where what is given up has brought nothing.
    """

    distribution: str
    deadline: str
    policy: str
    jobs: int
    cost: float
    missed: int
    twice: int
    expected: float


def lines(jobs: int, rows: int, seed: int) -> Iterator[Line]:
    """All policies under all deadlines on all distributions."""
    for distribution, quantile in DISTRIBUTIONS.items():
        times = drawn(quantile, jobs, seed)
        for deadline, seconds in DEADLINES.items():
            task = Task(jobs=jobs, rows=rows, seconds=seconds, window=seconds == _MORNING)
            full = 0
            for name, policy in POLICIES.items():
                with arena(times, start_hour=17.0) as place:
                    kept = policy(place, task)
                    bill = place.world.bill().total
                    twice = paid_twice(place.world, jobs * rows)
                full = full or bill
                yield Line(
                    distribution=distribution,
                    deadline=deadline,
                    policy=name,
                    jobs=jobs,
                    cost=bill / full,
                    missed=kept.count(False),
                    twice=twice,
                    expected=expected_cost(quantile, seconds - _RULE_MARGIN),
                )


def main() -> None:
    """Run it, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.deadlines", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--rows", type=int, default=5, help="requests of a job")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    begun = time.perf_counter()
    found = []
    head = f"{'turnaround':<12}{'deadline':<12}{'policy':<18}{'cost':>6}{'missed':>9}{'twice':>7}"
    print(f"{head}{'given up':>10}")
    for line in lines(options.jobs, options.rows, options.seed):
        found.append(line)
        expected = f"{line.expected:.2f}" if line.policy == "ours" else ""
        print(
            f"{line.distribution:<12}{line.deadline:<12}{line.policy:<18}{line.cost:>6.2f}"
            f"{line.missed:>5}/{line.jobs}{line.twice:>7}{expected:>10}",
            flush=True,
        )
    OUT.mkdir(exist_ok=True)
    path = OUT / "deadlines.json"
    path.write_text(json.dumps([asdict(line) for line in found], indent=1) + "\n")
    print(f"{time.perf_counter() - begun:.0f} s; the figures are in {path}")


if __name__ == "__main__":
    main()
