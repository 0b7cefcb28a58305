"""Numbering requests of which some are reused: those come last, behind a number not known yet."""

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

from backburner.vault import Vault

_REUSED: Final = 1 << 31
"""Marks the number of a reused request while the others are not counted yet."""

_SLICE: Final = 65536


class Numbering:
    """Numbers the fresh and the reused requests of a table apart; 4 bytes a request."""

    def __init__(self) -> None:
        self._numbers = array("I")
        self._fresh = 0
        self._reused = _REUSED

    def add(self, *, is_reused: bool) -> None:
        """Number the next request."""
        if is_reused:
            self._numbers.append(self._reused)
            self._reused += 1
        else:
            self._numbers.append(self._fresh)
            self._fresh += 1

    def number(self, place: int) -> int:
        """The number of the request that came as this one."""
        return self._numbers[place]


def settle_rows(vault: Vault, row_map: str, fresh: int) -> None:
    """Write a row map anew in which reused requests were numbered apart.

    Args:
        fresh: How many requests come before them.
    """
    with vault.raw(row_map) as before, vault.file_writer(row_map) as settled:
        while data := before.read(_SLICE):
            numbers = array("I")
            numbers.frombytes(data)
            array("I", (_settled(number, fresh) for number in numbers)).tofile(settled)


def with_firsts(numbers: Iterable[int], fresh: int) -> Iterator[tuple[int, bool]]:
    """The request number of each row, and whether it is the first row of its request.

    Args:
        numbers: Of the rows, in their order.
        fresh: How many requests come before the reused ones.
    """
    next_fresh, next_reused = 0, fresh
    for number in numbers:
        if number < fresh:
            is_first = number == next_fresh
            next_fresh += is_first
        else:
            is_first = number == next_reused
            next_reused += is_first
        yield number, is_first


def _settled(number: int, fresh: int) -> int:
    return number if number < _REUSED else number - _REUSED + fresh
