"""A check of packing: a run's first rows asked in packs and alone, and how often both agree."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import msgspec

from backburner.client.canary import held_back
from backburner.client.finishing import read_spec
from backburner.errors import InputError
from backburner.nouns.outcome import Outcome
from backburner.nouns.run import Run
from backburner.plan.caching.beta import beta_quantile
from backburner.runs.answer import Answer
from backburner.runs.answers import final_lines
from backburner.runs.packed_rows import packed_rows
from backburner.runs.row_answers import Reader
from backburner.runs.row_packer import checked_packs
from backburner.worker import Tools
from backburner.worker.unpacking import RowMap

_OUTSIDE: Final = 0.025
"""On either side of an interval that holds with a confidence of 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRow:
    """One row that was asked both ways.

    Attributes:
        row: In the input, from 1.
        packed: What its pack answered to it; None where that was nothing good.
        is_equal: Whether both say the same; None where it was not answered alone either.
    """

    row: int
    packed: str | None
    alone: Answer
    is_equal: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackCheck:
    """What came of asking a run's first rows both ways.

    Attributes:
        held: Requests that wait until they are released.
    """

    run: str
    rows: tuple[CheckedRow, ...]
    held: int

    @property
    def compared(self) -> int:
        """Rows that were answered alone, so that there is something to compare with."""
        return sum(row.is_equal is not None for row in self.rows)

    @property
    def equal(self) -> int:
        """Rows whose pack said the same."""
        return sum(row.is_equal is True for row in self.rows)

    @property
    def is_all_equal(self) -> bool:
        """Whether every row was answered the same both ways."""
        return self.equal == len(self.rows)

    @property
    def interval(self) -> tuple[float, float]:
        """The share of all rows for which both would agree, with a confidence of 95 %."""
        return agreement_interval(self.equal, self.compared)


def agreement_interval(equal: int, compared: int) -> tuple[float, float]:
    """The exact binomial interval, with a confidence of 95 %, of a share that was seen.

    Source: Clopper and Pearson, Biometrika 26 (1934), by quantiles of the beta distribution.
    """
    differ = compared - equal
    low = beta_quantile(equal, differ + 1, _OUTSIDE) if equal else 0.0
    high = beta_quantile(equal + 1, differ, 1 - _OUTSIDE) if differ else 1.0
    return low, high


def check_has_pack_check(tools: Tools, run: Run) -> None:
    """Make sure that something of a run waits until its packs were compared.

    Raises:
        InputError: Nothing does.
    """
    if not run.packed or not held_back(tools, run):
        raise InputError(
            f"nothing of the run {run.id} waits for a check of its packs",
            hint="--pack 10 --pack-check 100 asks the first rows of a new run both ways",
        )


def look_at_check(tools: Tools, run: Run) -> PackCheck:
    """What came of the rows that were asked both ways, so far."""
    return PackCheck(
        run=run.id,
        rows=tuple(_rows(tools, run)),
        held=sum(one.requests for one in held_back(tools, run)),
    )


def _rows(tools: Tools, run: Run) -> Iterator[CheckedRow]:
    spec = read_spec(tools, run)
    packs = checked_packs(spec)
    if packs is None:
        return
    count = RowMap(tools.vault, run).rows(min(packs, run.packed) - 1).stop
    reader = Reader(tools.tariff([]))
    finals = final_lines(tools.store, tools.vault, run, run.packed)
    pairs = zip(packed_rows(tools.store, tools.vault, run), finals, strict=False)
    for row, (packed, final) in enumerate(islice(pairs, count), 1):
        alone = reader.read(final)
        is_equal = None
        if final.outcome is Outcome.OK:
            is_equal = _same(packed.text, alone.answer, is_json=spec.schema is not None)
        yield CheckedRow(row=row, packed=packed.text, alone=alone, is_equal=is_equal)


def _same(packed: str | None, alone: str, *, is_json: bool) -> bool:
    if packed is None:
        return False
    if is_json:
        return bool(msgspec.json.decode(packed) == msgspec.json.decode(alone))
    return packed.strip() == alone.strip()
