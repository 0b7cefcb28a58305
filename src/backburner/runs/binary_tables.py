"""Parquet tables, for which the extra `tables` is needed."""

import shutil
import tempfile
from collections.abc import Collection, Iterator
from io import BufferedRandom, BufferedReader, BytesIO, FileIO
from types import ModuleType
from typing import Any, BinaryIO, Protocol, cast
from weakref import finalize

from backburner.errors import ExtraMissing
from backburner.runs.faults import Faults
from backburner.runs.input_warnings import InputWarning
from backburner.runs.record import Record, Table, check_columns, note_empty

_BATCH_BYTES = 8_000_000
_BATCH_ROWS = 4096
_BUFFER_BYTES = 1 << 20


class BatchTable(Table, Protocol):
    """A table that can also be read as Arrow batches, whose columns have types.

    Attributes:
        schema: The Arrow schema.
    """

    schema: Any

    def batches(self) -> Iterator[Any]:
        """Gives the rows as Arrow record batches of moderate size."""
        ...


def pyarrow(purpose: str) -> ModuleType:
    """Gives the module, imported when it is first needed.

    Raises:
        ExtraMissing: It is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.compute  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        raise missing_part(purpose, "pyarrow") from error
    return cast("ModuleType", pa)


class ParquetTable:
    """A Parquet file, read batch by batch; a row group is never held whole."""

    head = tail = delimiter = ""
    warnings: tuple[InputWarning, ...] = ()

    def __init__(self, stream: BinaryIO, *, faults: Faults, reserved: Collection[str] = ()) -> None:
        self._arrow = pyarrow("a Parquet file")
        self._faults = faults
        self._file = self._opened(stream)
        self.schema = self._file.schema_arrow if self._file else self._arrow.schema([])
        self.columns = tuple(self.schema.names)
        check_columns(self.columns, reserved, faults)

    def batches(self) -> Iterator[Any]:
        """Gives the rows as record batches of at most about 8 MB."""
        if self._file is None:
            return
        rows = _batch_rows(self._file.metadata)
        try:
            yield from self._file.iter_batches(batch_size=rows, use_threads=False)
        except (self._arrow.ArrowException, OSError) as error:
            note_broken("a Parquet file", error, self._faults)

    def records(self) -> Iterator[Record]:
        """Gives the rows."""
        yield from batch_records(self, self._faults)

    def _opened(self, stream: BinaryIO) -> Any:
        file = stream if _is_seekable(stream) else _spooled(stream, self)
        source = self._arrow.PythonFile(file, mode="r")
        try:
            return self._arrow.parquet.ParquetFile(
                source, buffer_size=_BUFFER_BYTES, pre_buffer=False
            )
        except (self._arrow.ArrowException, OSError) as error:
            note_broken("a Parquet file", error, self._faults)
            return None


def batch_records(table: BatchTable, faults: Faults, *, first_line: int = 1) -> Iterator[Record]:
    """Gives the rows of a table's batches as records without a source."""
    columns, number = table.columns, 0
    for batch in table.batches():
        cells = [column.to_pylist() for column in batch.columns]
        for row in zip(*cells, strict=True):
            number += 1
            values = dict(zip(columns, row, strict=True))
            yield Record(number, number + first_line - 1, None, values)
    if not number and not faults.count:
        note_empty("holds no row", faults)


def _batch_rows(metadata: Any) -> int:
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    average = size // max(metadata.num_rows, 1) + 1
    return int(min(max(_BATCH_BYTES // average, 1), _BATCH_ROWS))


def _is_seekable(stream: BinaryIO) -> bool:
    if isinstance(stream, BufferedReader) and isinstance(stream.raw, FileIO):
        return stream.seekable()
    return isinstance(stream, BytesIO | BufferedRandom)


def _spooled(stream: BinaryIO, owner: object) -> BinaryIO:
    # Jumping about in a pipe or a compressed stream is impossible or slow: it is unrolled on disk.
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with its owner
    finalize(owner, spool.close)
    shutil.copyfileobj(stream, spool, _BUFFER_BYTES)
    spool.seek(0)
    return cast("BinaryIO", spool)


def note_broken(kind: str, error: Exception, faults: Faults) -> None:
    """Notes a file that cannot be read."""
    what = f"cannot be read as {kind}: {str(error).splitlines()[0] if str(error) else error!r}"
    faults.add("file_broken", what, hint="check that the file is complete and has the right ending")


def missing_part(purpose: str, library: str) -> ExtraMissing:
    """The error that says what is not installed."""
    return ExtraMissing(
        f"{purpose} needs {library}, which is not installed",
        hint="pip install 'backburner[tables]'",
    )
