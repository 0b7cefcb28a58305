"""What the user says of a log: whose calls can wait, what columns mean, and where night is."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backburner.errors import InputError
from backburner.plan.waiting import OwnRules, Pattern

_KEYS = frozenset({"caller", "route", "model"})


def own_rules(file: Path | None) -> OwnRules:
    """The rules of a TOML file with tables `[[can_wait]]` and `[[waited_for]]`.

    Each has globs for `caller`, `route` and `model`.

    Raises:
        InputError: It cannot be read, or says something else.
    """
    if file is None:
        return OwnRules()
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"{file} cannot be read: {error}", hint="write TOML; docs/audit.md has an example"
        ) from error
    if unknown := sorted(tables.keys() - {"can_wait", "waited_for"}):
        raise InputError(
            f"{file} has the table {unknown[0]!r}", hint="use [[can_wait]] and [[waited_for]]"
        )
    return OwnRules(
        can_wait=_patterns(file, tables.get("can_wait", [])),
        waited_for=_patterns(file, tables.get("waited_for", [])),
    )


def _patterns(file: Path, tables: Any) -> tuple[Pattern, ...]:
    if not isinstance(tables, list):
        raise InputError(f"{file}: rules are tables", hint="write [[can_wait]], twice in brackets")
    return tuple(_pattern(file, table) for table in tables)


def _pattern(file: Path, table: Mapping[str, Any]) -> Pattern:
    if (
        not table
        or not table.keys() <= _KEYS
        or not all(isinstance(v, str) for v in table.values())
    ):
        raise InputError(
            f"{file}: a rule is {dict(table)}",
            hint="give globs for caller, route or model, as text",
        )
    return Pattern(**table)


def own_columns(words: Iterable[str]) -> dict[str, str]:
    """What columns mean, from words like `COLUMN=FIELD`.

    Raises:
        InputError: A word has another form.
    """
    pairs = {}
    for word in words:
        column, equals, field = word.partition("=")
        if not (column and equals and field):
            raise InputError(f"--map is {word!r}", hint="write COLUMN=FIELD, such as ts=time")
        pairs[column] = field
    return pairs


def zone_of(name: str) -> tzinfo | None:
    """The zone of a name; None, which is the local one, where none is named.

    Raises:
        InputError: There is no such zone.
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"there is no zone {name!r}", hint="name one such as Europe/Berlin"
        ) from error
