"""Values as a program hands them over, found to be of the kind that is meant."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from backburner.errors import InputError

T = TypeVar("T")
K = TypeVar("K", bound=StrEnum)

_HALF: Final = re.compile("[\ud800-\udfff]")


def several(name: str, values: Iterable[T]) -> tuple[T, ...]:
    """Gives values that were meant to be several: a lone text would be as many as it has letters.

    Args:
        name: What the caller calls them.

    Raises:
        InputError: It is a text or one object, or nothing that can be gone through.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        shown = repr(values) if isinstance(values, str) else f"of type {type(values).__name__}"
        raise InputError(f"{name} is {shown}, and no list", hint=f"write {name}=[…]")
    return tuple(values)


def text(name: str, value: str) -> str:
    """Gives a text, found to be one that can be kept.

    Raises:
        InputError: It is none, or holds half of a surrogate pair.
    """
    if not isinstance(value, str) or _HALF.search(value):
        raise InputError(f"{name} is {value!r}, and no text", hint=f'write {name}="…"')
    return value


def one_of(name: str, value: str, kinds: type[K]) -> K:
    """Gives the kind that a text names.

    Raises:
        InputError: There is no such kind.
    """
    try:
        return kinds(value)
    except ValueError:
        raise InputError(
            f"{name} is {value!r}, which there is not", hint=f"there is {', '.join(kinds)}"
        ) from None


def day(name: str, value: str | None) -> str | None:
    """Gives a day, found to be written as `2026-11-22`; None where none was given.

    Raises:
        InputError: It is none.
    """
    if value is None:
        return None
    try:
        is_day = date.fromisoformat(value).isoformat() == value
    except (TypeError, ValueError):
        is_day = False
    if not is_day:
        raise InputError(f"{name} is no day: {value!r}", hint="write it like 2026-11-22")
    return value
