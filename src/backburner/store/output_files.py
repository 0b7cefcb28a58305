"""Statements about files with answers: as what they were written, and by which run."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from backburner.nouns.output_file import OutputFile
from backburner.store.engine import Transaction
from backburner.store.schema import output_file

_COLUMNS = [output_file.c[name] for name in OutputFile.__slots__]
_AT: Final = select(*_COLUMNS).where(output_file.c.path_hash == bindparam("at"))
_ADD: Final = insert(output_file)
_PUT: Final = _ADD.on_conflict_do_update(
    index_elements=["path_hash"],
    set_={"run": _ADD.excluded.run, "sha256": _ADD.excluded.sha256},
)


def output_files_put(tx: Transaction, files: Sequence[OutputFile]) -> None:
    """Note one file or more; what was written to the same paths before does not count any more."""
    tx.execute(_PUT, [asdict(one) for one in files])


def output_file_at(tx: Transaction, path_hash: str) -> OutputFile | None:
    """What a run of ours wrote to a path last."""
    row = tx.execute(_AT, {"at": path_hash}).first()
    return None if row is None else OutputFile(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
