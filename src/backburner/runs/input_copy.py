"""The vault's copy of an input: a run is made from it alone, and its output too."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO, Final

from backburner.clock import Clock
from backburner.nouns.run import RunSpec
from backburner.runs.faults import Faults
from backburner.runs.record import Table
from backburner.runs.tables import Format, read_table
from backburner.vault import Vault

_COPY_BYTES: Final = 1 << 20
_ID_LENGTH: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class InputCopy:
    """The vault's copy of an input; `run` is the id of the run that it will belong to."""

    run: str
    name: str
    sha256: str


def copy_input(vault: Vault, clock: Clock, chunks: Iterable[bytes]) -> InputCopy:
    """Copy an input into the vault while hashing it; the run is made from the copy alone."""
    run = clock.token(_ID_LENGTH)
    while vault.holds(f"runs/{run}"):
        # Two runs of one id would share their files, and dropping one would take the other's input.
        run = clock.token(_ID_LENGTH)
    name = f"runs/{run}/input.zst"
    digest = sha256()
    with vault.stream_writer(name) as stream:
        # Without a write, an empty input would leave no frame, and could not be read again.
        stream.write(b"")
        for chunk in chunks:
            digest.update(chunk)
            stream.write(chunk)
    return InputCopy(run=run, name=name, sha256=digest.hexdigest())


def file_chunks(file: BinaryIO) -> Iterator[bytes]:
    """A file in pieces."""
    while chunk := file.read(_COPY_BYTES):
        yield chunk


@contextmanager
def open_input(vault: Vault, spec: RunSpec, name: str) -> Iterator[BinaryIO]:
    """The bytes of an input copy, in a file that can be jumped about in where a format needs it."""
    with vault.stream(name) as stream:
        if spec.format == Format.PARQUET:
            with vault.unpacked(stream) as file:
                yield file
        else:
            yield stream


def open_table(
    stream: BinaryIO, spec: RunSpec, faults: Faults, reserved: Iterable[str] = ()
) -> Table:
    """The table of an input copy."""
    return read_table(
        stream,
        Format(spec.format),
        faults,
        delimiter=spec.delimiter,
        encoding=spec.encoding,
        reserved=tuple(reserved),
    )
