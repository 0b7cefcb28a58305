"""Ids and chances, all drawn from the seed."""

import hashlib
import random
from array import array
from itertools import chain

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CHANCE_RANGE = 1 << 32
RUN = 64
GROUP = 1_024


def _shake(size: int, *parts: object) -> bytes:
    return hashlib.shake_128("\x1f".join(map(str, parts)).encode()).digest(size)


def identifier(prefix: str, size: int, *parts: object) -> str:
    """An id in the API's shape (`prefix_01…`) that depends on nothing but the parts."""
    raw = _shake(size, prefix, *parts)
    return f"{prefix}_01" + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in raw)


def batch_id(seed: object, ordinal: int) -> str:
    """The id of the batch accepted as number `ordinal`."""
    return identifier("msgbatch", 22, seed, ordinal)


def request_id(seed: object, number: int) -> str:
    """The id of HTTP call `number`."""
    return identifier("req", 22, seed, number)


def chances(seed: object, ordinal: int, purpose: str, count: int) -> "array[int]":
    """One 32-bit number per request, where number `i` depends on (seed, ordinal, i) only."""
    numbers = array("I")
    numbers.frombytes(_shake(count * numbers.itemsize, seed, ordinal, purpose))
    return numbers


def chance(*parts: object) -> float:
    """A number from 0 up to 1 that depends on nothing but the parts."""
    return int.from_bytes(_shake(8, *parts), "big") / (1 << 64)


def finish_order(seed: object, ordinal: int, count: int) -> list[int]:
    """The positions of a batch in the order in which they are processed.

    Runs of neighbours are spread over the whole batch, then positions are shuffled within groups
    of runs, so that whoever follows the order can read a group with few reads.
    """
    source = int.from_bytes(_shake(8, seed, ordinal, "order"), "big")
    chance = random.Random(source)  # noqa: S311 - a seeded order is the point
    runs = [range(start, min(start + RUN, count)) for start in range(0, count, RUN)]
    chance.shuffle(runs)
    order: list[int] = []
    for start in range(0, len(runs), GROUP // RUN):
        group = list(chain.from_iterable(runs[start : start + GROUP // RUN]))
        chance.shuffle(group)
        order += group
    return order
