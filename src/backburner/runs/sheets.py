"""XLSX tables, for which the extra `tables` is needed."""

from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from typing import Any, BinaryIO, Final

from backburner.runs.binary_tables import batch_records, missing_part, note_broken, pyarrow
from backburner.runs.faults import Faults
from backburner.runs.input_warnings import InputWarning, Warnings
from backburner.runs.record import Record, check_columns

_BATCH_ROWS: Final = 4096
_NAMED: Final = 3
"""How many sheets that are left out a warning names."""


class SheetTable:
    """The first sheet of an XLSX file; sheets are read whole, their format leaves no other way.

    A row without any value is no row, as a blank line of CSV is none.
    """

    head = tail = delimiter = ""

    def __init__(self, stream: BinaryIO, *, faults: Faults, reserved: Collection[str] = ()) -> None:
        self._arrow = pyarrow("an XLSX file")
        self._faults = faults
        self._found = Warnings()
        whole = self._loaded(stream)
        filled = self._filled(whole)
        self._rows = None if len(filled) == whole.num_rows else filled.to_pylist()
        self._batch = whole if self._rows is None else whole.take(filled)
        self.schema = self._batch.schema
        self.columns = tuple(self.schema.names)
        check_columns(self.columns, reserved, faults)

    @property
    def warnings(self) -> tuple[InputWarning, ...]:
        """What is worth knowing of the file."""
        return self._found.found

    def batches(self) -> Iterator[Any]:
        """Gives the rows as record batches."""
        for start in range(0, self._batch.num_rows, _BATCH_ROWS):
            yield self._batch.slice(start, _BATCH_ROWS)

    def records(self) -> Iterator[Record]:
        """Gives the rows; numbers without a fraction are whole numbers, as the sheet shows them."""
        for record in batch_records(self, self._faults, first_line=2):
            line = record.line if self._rows is None else self._rows[record.number - 1] + 2
            values = {name: _as_shown(value) for name, value in record.values.items()}
            yield Record(record.number, line, None, values)

    def _loaded(self, stream: BinaryIO) -> Any:
        try:
            import fastexcel  # noqa: PLC0415
        except ImportError as error:
            raise missing_part("an XLSX file", "fastexcel") from error
        try:
            book = fastexcel.read_excel(stream.read())
            sheet = book.load_sheet(0, schema_sample_rows=None, skip_whitespace_tail_rows=True)
            batch, broken = sheet.to_arrow_with_errors()
            self._check_heading(book, batch.schema.names)
        except fastexcel.FastExcelError as error:
            note_broken("an XLSX file", error, self._faults)
            return self._arrow.record_batch({})
        self._warn_of_sheets(book.sheet_names)
        self._warn_of_errors(batch.schema.names, broken.errors if broken else ())
        return self._named(batch, sheet.available_columns())

    def _check_heading(self, book: Any, names: Sequence[str]) -> None:
        """Note headings that stand twice: of `id` and `id`, the second was renamed `id_1`."""
        if not any(name.rpartition("_")[0] in names for name in names):
            return
        heading = book.load_sheet(0, header_row=None, n_rows=1, dtypes="string").to_arrow()
        check_columns([cell for (cell,) in heading.to_pydict().values() if cell], (), self._faults)

    def _named(self, batch: Any, columns: Sequence[Any]) -> Any:
        """Without columns of no heading and no value, which only have a format."""
        unnamed = {one.name for one in columns if one.column_name_from == "generated"}
        any_of, arrow = self._arrow.compute.any, self._arrow
        empty = {
            name for name in unnamed if not any_of(_has_value(arrow, batch.column(name))).as_py()
        }
        for name in sorted(unnamed - empty):
            what = f"a column without a heading is called {name!r}"
            self._found.warn("heading_missing", what, "write a heading into the first row")
        return batch.select([name for name in batch.schema.names if name not in empty])

    def _warn_of_sheets(self, names: Sequence[str]) -> None:
        first, *others = names
        if not others:
            return
        more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
        left = ", ".join(map(repr, others[:_NAMED])) + more
        hint = "save each as a file of its own, or move the one that is meant to the front"
        self._found.warn(
            "sheets_left_out", f"only the sheet {first!r} is read, and not {left}", hint
        )

    def _warn_of_errors(self, names: Sequence[str], cells: Sequence[Any]) -> None:
        for cell in cells:
            # What else is told there are blanks in columns of numbers, which are empty too.
            if "Error(" in cell.detail:
                row, column = cell.offset_position
                what = (
                    f"a formula of the column {names[column]!r} fails, and its cell counts as empty"
                )
                hint = "mend the formula, or leave such rows out with --where"
                self._found.warn("cell_error", what, hint, line=row + 2)

    def _filled(self, batch: Any) -> Any:
        """The numbers of the rows that hold any value."""
        arrow = self._arrow
        compute = arrow.compute
        columns = [_has_value(arrow, column) for column in batch.columns]
        if not columns:
            return arrow.array([], arrow.uint64())
        return compute.indices_nonzero(reduce(compute.or_, columns))


def _has_value(arrow: Any, column: Any) -> Any:
    compute = arrow.compute
    if not arrow.types.is_string(column.type):
        return compute.is_valid(column)
    return compute.fill_null(
        compute.not_equal(compute.utf8_trim_whitespace(column), ""), fill_value=False
    )


def _as_shown(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
