"""`{{ fields }}` in a prompt: the row's columns, a line each, in the order planned for the row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import msgspec

from backburner.plan.caching.cells import Order
from backburner.plan.caching.cutting import Cuts

FIELDS: Final = "fields"
"""The name under which a template finds them, unless the table has a column of that name."""

_encode = msgspec.json.Encoder(enc_hook=str).encode


class FieldFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan of fields is worth, by a cache that forgets nothing.

    Attributes:
        columns: The columns that stand for `{{ fields }}`.
        orders: How many orders they have.
        rows: Different rows that were planned, or sampled.
        is_sampled: Whether the table is too large, so that one order for all was found in a sample.
        before: The share of their text with which an earlier row began, in the table's order.
        after: The same in the planned order.
        of_bound: The planned share, as a part of what no order can exceed.
        is_cut: Whether prompts share enough to be cached, perhaps, and are cut for it.
    """

    columns: tuple[str, ...]
    orders: int
    rows: int
    is_sampled: bool
    before: float
    after: float
    of_bound: float
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one row writes its fields: in which order, and where its prompt is cut."""

    order: Order
    cuts: Cuts


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPlan:
    """How each row of a table writes its fields.

    Attributes:
        shapes: The shapes that there are.
        rows: Which of them each row has, by its place among the rows that can be read; empty where
            all have the first.
    """

    columns: tuple[str, ...]
    shapes: tuple[Shape, ...]
    rows: Sequence[int]
    figures: FieldFigures | None = None

    @property
    def has_cuts(self) -> bool:
        """Whether some prompts are cut into blocks."""
        return any(shape.cuts for shape in self.shapes)

    def written(self, values: Mapping[str, Any], row: int) -> tuple[str, list[int]]:
        """A row's fields as text, and where in it the prompt is cut."""
        shape = self.shapes[self.rows[row] if row < len(self.rows) else 0]
        lines = [line_of(self.columns[one], values) for one in shape.order]
        ends = list(accumulate(map(len, lines), initial=0))
        return "".join(lines)[:-1], [ends[cut] for cut in shape.cuts]


def plain_fields(columns: Sequence[str]) -> FieldPlan:
    """The fields of every row in the order of the table."""
    shape = Shape(order=tuple(range(len(columns))), cuts=())
    return FieldPlan(columns=tuple(columns), shapes=(shape,), rows=())


def line_of(column: str, values: Mapping[str, Any]) -> str:
    """A field as it stands in a prompt: its name and its value as JSON, on one line."""
    return f"{_encode(column).decode()}: {_encode(values.get(column)).decode()}\n"
