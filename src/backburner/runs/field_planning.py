"""Planning `{{ fields }}`: the table is read once, before it is rendered, in bounded memory."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from itertools import chain, islice
from typing import Any, BinaryIO, Final

from backburner.nouns.run import RunSpec
from backburner.plan.caching.bound import column_bound, spanning_bound
from backburner.plan.caching.cells import Column, Layout, one_order, shared, total_tokens
from backburner.plan.caching.cutting import MOST_CUTS, Cuts, cuts_of
from backburner.plan.caching.fixed import fixed_order
from backburner.plan.caching.layout import plan_layout
from backburner.plan.caching.tail import tail_order
from backburner.plan.caching.terms import cache_minimum
from backburner.runs.faults import Faults
from backburner.runs.fields import FIELDS, FieldFigures, FieldPlan, Shape, line_of
from backburner.runs.input_copy import open_table
from backburner.runs.record import Table
from backburner.runs.template import PromptTemplate

MOST_CELLS: Final = 1_000_000
"""Cells of a table that is planned row by row, such as 100,000 rows of ten columns.

It takes up to 150 MB and 10 s. A larger table gets one order for all rows.
"""

SAMPLED_CELLS: Final = 50_000
"""Cells of the sample by which that order is found, spread evenly over the table."""

_TAIL_ROWS: Final = 1_000
_TAIL_CHARACTERS: Final = 64
_GAP_BYTES: Final = 128
"""Text between two cuts of a prompt, at least: shorter blocks would only be in the way."""

_DIGEST_BYTES: Final = 8

_BYTES_A_TOKEN: Final = 2
"""Of dense text: a prefix that has fewer tokens by this is surely too short."""


def read_fields(
    spec: RunSpec,
    opened: Callable[[], AbstractContextManager[BinaryIO]],
    reserved: Iterable[str] = (),
) -> FieldPlan | None:
    """Plans the fields of a run's rows; None where its prompt leaves nothing to plan.

    An input with faults has none either: they are told when it is staged.

    Args:
        opened: Gives the bytes of the input, from its beginning.
        reserved: Names of the columns that the output will add.

    Raises:
        InputFaults: The template's syntax is broken.
    """
    if spec.kind != "table" or FIELDS not in spec.template:
        return None
    template = PromptTemplate.compile(spec.template, "the prompt")
    faults = Faults()
    with opened() as stream:
        table = open_table(stream, spec, faults, reserved)
        template.check(table.columns, faults)
        columns = template.fields(table.columns)
        if faults.count or not columns:
            return None
        floor = _floor_bytes(spec, template, table.columns)
        plan = plan_fields(table, columns, floor, limit=spec.limit, collapse=spec.collapse)
    return None if faults.count else plan


def _floor_bytes(spec: RunSpec, template: PromptTemplate, columns: Sequence[str]) -> int:
    """How much rows have to share for the prefix to be cached, at most."""
    system = len((spec.system or "").encode()) + len(bytes(spec.params.get("tools", b"")))
    _, text = template.before_fields(columns)
    return cache_minimum(spec.model, estimated=False) * _BYTES_A_TOKEN - system - text


def plan_fields(
    table: Table,
    columns: Sequence[str],
    floor_bytes: int,
    *,
    limit: int | None = None,
    collapse: bool = True,
    most_cells: int = MOST_CELLS,
) -> FieldPlan | None:
    """The order of the fields in each row; None where the table has no row.

    Lengths are counted in bytes: only their relation matters. Nothing but the input and the
    arguments is looked at, so that a run that is staged again has the same bodies.

    Args:
        table: Is read to its end, or to the limit.
        columns: Those that stand for `{{ fields }}`.
        floor_bytes: How much rows have to share before a cut is of use.
        limit: Rows that are rendered, from the front.
        collapse: Whether identical rows share one request, and count once.
        most_cells: Cells above which there is one order for all rows.
    """
    cells = _Cells(table.columns, most_cells)
    for record in islice(table.records(), limit):
        cells.add(record.values)
    if not cells.rows:
        return None
    distinct, place_of = cells.distinct(collapse=collapse)
    wanted = [table.columns.index(name) for name in columns]
    narrow = [distinct[number] for number in wanted]
    tail = tail_order([cells.leads[number] for number in wanted])
    if cells.is_sampled:
        layout = one_order(fixed_order(narrow, tail), len(narrow[0].cells))
        cuts = cuts_of(narrow, layout, floor_bytes, _GAP_BYTES)
        shapes: tuple[Shape, ...] = (Shape(order=layout.order(0), cuts=_usual(cuts)),)
        rows: Sequence[int] = ()
    else:
        layout = plan_layout(narrow, tail)
        shapes, numbers = _shapes(narrow, layout, floor_bytes)
        rows = array("I", map(numbers.__getitem__, place_of))
    is_cut = any(shape.cuts for shape in shapes)
    figures = _figures(columns, narrow, layout, is_sampled=cells.is_sampled, is_cut=is_cut)
    return FieldPlan(columns=tuple(columns), shapes=shapes, rows=rows, figures=figures)


def _usual(cuts: Iterable[Cuts]) -> Cuts:
    """The cuts that most rows of a sample have: where all are cut alike, equal beginnings are."""
    places = Counter(chain.from_iterable(cuts))
    return tuple(sorted(place for place, _ in places.most_common(MOST_CUTS)))


def _shapes(
    columns: Sequence[Column], layout: Layout, floor_bytes: int
) -> tuple[tuple[Shape, ...], Sequence[int]]:
    shapes: dict[Shape, int] = {}
    numbers = array("I")
    for row, cuts in enumerate(cuts_of(columns, layout, floor_bytes, _GAP_BYTES)):
        shape = Shape(order=layout.order(row), cuts=cuts)
        numbers.append(shapes.setdefault(shape, len(shapes)))
    return tuple(shapes), numbers


def _figures(
    names: Sequence[str],
    columns: Sequence[Column],
    layout: Layout,
    *,
    is_sampled: bool,
    is_cut: bool,
) -> FieldFigures:
    rows = len(columns[0].cells)
    plain = one_order(tuple(range(len(columns))), rows)
    total, after = total_tokens(columns), shared(columns, layout)
    bound = spanning_bound(columns)
    most = column_bound(columns) if bound is None else bound
    return FieldFigures(
        columns=tuple(names),
        orders=len(layout.orders),
        rows=rows,
        is_sampled=is_sampled,
        before=shared(columns, plain) / total,
        after=after / total,
        of_bound=after / most if most else 1.0,
        is_cut=is_cut,
    )


class _Cells:
    """The cells of a table as hashes and lengths: 12 bytes each.

    Where they are too many, only every second row is kept, then every fourth, and so on.

    Attributes:
        leads: What some values of each column begin with.
        rows: Rows that are kept.
        is_sampled: Whether rows were left out.
    """

    def __init__(self, columns: Sequence[str], most: int) -> None:
        self._columns = columns
        self._most_rows = max(1, most // len(columns))
        self._sampled_rows = max(1, min(SAMPLED_CELLS, most) // len(columns))
        self._hashes = [array("Q") for _ in columns]
        self._sizes = [array("I") for _ in columns]
        self._stride = 1
        self._seen = 0
        self.leads: list[list[str]] = [[] for _ in columns]
        self.rows = 0
        self.is_sampled = False

    def add(self, values: Mapping[str, Any]) -> None:
        """Take a row in."""
        number = self._seen
        self._seen += 1
        if number % self._stride:
            return
        for column, name in enumerate(self._columns):
            line = line_of(name, values).encode()
            self._hashes[column].append(_hash(line))
            self._sizes[column].append(len(line))
        self.rows += 1
        if self.rows <= _TAIL_ROWS:
            self._keep_leads(values)
        if self.rows > (self._sampled_rows if self.is_sampled else self._most_rows):
            self._thin()

    def _keep_leads(self, values: Mapping[str, Any]) -> None:
        for column, name in enumerate(self._columns):
            self.leads[column].append(str(values.get(name))[:_TAIL_CHARACTERS])

    def _thin(self) -> None:
        self.is_sampled = True
        while self.rows > self._sampled_rows:
            self._stride *= 2
            self._hashes = [one[::2] for one in self._hashes]
            self._sizes = [one[::2] for one in self._sizes]
            self.rows = len(self._hashes[0])

    def distinct(self, *, collapse: bool) -> tuple[list[Column], Sequence[int]]:
        """The columns of the rows that differ, and which of these each row is."""
        place_of = array("I")
        kept = array("I")
        if collapse:
            places: dict[tuple[int, ...], int] = {}
            for row, key in enumerate(zip(*self._hashes, strict=True)):
                place = places.setdefault(key, len(places))
                if place == len(kept):
                    kept.append(row)
                place_of.append(place)
        else:
            kept = place_of = array("I", range(self.rows))
        hashes_and_sizes = zip(self._hashes, self._sizes, strict=True)
        return [_column(hashes, sizes, kept) for hashes, sizes in hashes_and_sizes], place_of


def _column(hashes: Sequence[int], sizes: Sequence[int], rows: Sequence[int]) -> Column:
    kinds: dict[int, int] = {}
    cells, lengths = array("I"), array("I")
    for row in rows:
        cell = kinds.setdefault(hashes[row], len(kinds))
        if cell == len(lengths):
            lengths.append(sizes[row])
        cells.append(cell)
    return Column(cells=cells, tokens=lengths)


def _hash(line: bytes) -> int:
    return int.from_bytes(blake2b(line, digest_size=_DIGEST_BYTES).digest(), "little")
