"""Writing pages of ours: over an older one, and over nothing else."""

from pathlib import Path
from typing import Final

from backburner.errors import OutputBlocked

_MARK_WITHIN: Final = 400
"""Bytes from the beginning within which a page of ours says so."""


def check_page(path: Path, mark: str, *, force: bool) -> None:
    """Make sure that a page may be written.

    Args:
        path: Where it goes.
        mark: What pages of its kind say.
        force: Whether anything may be replaced.

    Raises:
        OutputBlocked: Something else is there, or the path cannot be written.
    """
    from backburner.runs.atomic import check_writable  # noqa: PLC0415  # not for --help

    check_writable(path)
    if not force and path.exists() and mark.encode() not in path.read_bytes()[:_MARK_WITHIN]:
        raise OutputBlocked(
            f"{path} is there already, and is no page of ours",
            hint="name another --html, or replace it with --force",
        )


def write_page(path: Path, text: str) -> None:
    """Write a page as a whole, or not at all."""
    from backburner.runs.atomic import replacing  # noqa: PLC0415  # as above

    with replacing(path) as file:
        file.write(text.encode())
