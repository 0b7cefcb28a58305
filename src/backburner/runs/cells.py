"""Values as text, and text as cells of delimited files."""

from collections.abc import Callable, Iterable
from datetime import date, time
from typing import Any

import msgspec


def cell_writer(delimiter: str) -> Callable[[str], str]:
    """Gives a function that quotes a cell where the delimiter or its content demands it."""

    def cell(text: str) -> str:
        if '"' in text:
            return '"' + text.replace('"', '""') + '"'
        if delimiter in text or "\n" in text or "\r" in text:
            return f'"{text}"'
        return text

    return cell


def row_text(values: Iterable[Any], delimiter: str) -> str:
    """Gives a whole row, without its line end."""
    return delimiter.join(map(cell_writer(delimiter), map(plain_text, values)))


def plain_text(value: Any) -> str:
    """Gives a value as a table shows it; nothing for null, JSON for lists and mappings."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case date() | time():
            return value.isoformat()
        case list() | tuple() | dict() | bytes():
            return msgspec.json.encode(value, enc_hook=str).decode()
        case _:
            return str(value)
