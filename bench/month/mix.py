"""The mix of a month: which calls come when, and what they hold."""

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import msgspec

MIX = Path(__file__).with_name("mix.toml")
_VOWELS, _CONSONANTS = "aeiou", "bdfgklmnprst"
_WORDS = ["".join(letters) for letters in product(_CONSONANTS, _VOWELS, _CONSONANTS, _VOWELS)]
_TEXT = random.Random(1).choices(_WORDS, k=50_000)


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls of one sort; the file says what each field means."""

    name: str
    share: float
    urgent: bool
    hours: tuple[int, ...]
    model: str
    words: tuple[int, int]
    within: str | None = None
    routed_to: str | None = None

    @property
    def answer(self) -> str:
        """What the emulator's model says to each of them."""
        return " ".join(["word"] * self.words[1])


class Mix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The calls of a month."""

    seed: int
    days: int
    calls: int
    kinds: tuple[Kind, ...]

    def bursts(self) -> "Iterator[Burst]":
        """The calls, in the order of their coming."""
        chance = random.Random(self.seed)
        counts = {kind.name: self._counts(kind) for kind in self.kinds}
        for day in range(self.days):
            for hour in range(24):
                for kind in self.kinds:
                    if hour in kind.hours:
                        bodies = [body(kind, chance) for _ in range(next(counts[kind.name]))]
                        yield Burst(day=day, hour=hour, kind=kind, bodies=bodies)

    def _counts(self, kind: Kind) -> Iterator[int]:
        """How many calls each burst of a kind has; together they are the kind's share."""
        calls, bursts = round(self.calls * kind.share), self.days * len(kind.hours)
        for n in range(bursts):
            yield calls * (n + 1) // bursts - calls * n // bursts


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """The calls of one kind in one hour."""

    day: int
    hour: int
    kind: Kind
    bodies: list[dict[str, Any]]


def body(kind: Kind, chance: random.Random) -> dict[str, Any]:
    """One call."""
    start = chance.randrange(len(_TEXT) - kind.words[0])
    text = " ".join(_TEXT[start : start + kind.words[0]])
    return {
        "model": kind.model,
        "max_tokens": 4 * kind.words[1] + 16,
        "messages": [{"role": "user", "content": f"[{kind.name}] {text}"}],
    }


def read_mix(file: Path = MIX) -> Mix:
    """The mix of a file.

    Raises:
        SystemExit: It cannot be read, or its shares are not those of one whole.
    """
    try:
        mix = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), type=Mix)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{file}: {error}") from None
    total = sum(kind.share for kind in mix.kinds)
    if round(total, 6) != 1:
        raise SystemExit(f"{file}: the shares add up to {total:g}, not to 1")
    return mix
