"""Values as a program hands them over, found to be of the kind that is meant."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from backburner.errors import InputError

T = TypeVar("T")


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
