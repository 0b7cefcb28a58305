"""What the last live check found, and what it left upstream: `doctor.json` in the home."""

from pathlib import Path
from typing import Final

import msgspec

from backburner.client.doctor.observing import Difference
from backburner.errors import StoreUnusable
from backburner.runs.atomic import replacing

FILE: Final = "doctor.json"


class LastCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A live check that was made.

    Attributes:
        at: When, in POSIX seconds.
        complete: Whether every probe was made to its end.
    """

    at: float
    base_url: str
    workspace: str | None
    backburner: str
    sdk: str
    complete: bool
    differences: list[Difference] = []


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of a check that is still upstream."""

    id: str
    base_url: str


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """All that a home remembers of live checks."""

    last: LastCheck | None = None
    left: list[Left] = []


def read_record(home: Path) -> Record:
    """The record of a home; an empty one where there is none.

    Raises:
        StoreUnusable: There is one that cannot be read.
    """
    path = home / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return Record()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreUnusable(
            f"{path} cannot be read", hint="remove it: it holds the last live check, nothing else"
        ) from error


def write_record(home: Path, record: Record) -> None:
    """Keep the record, in a home that is made if it is not there."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with replacing(home / FILE) as file:
        file.write(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
