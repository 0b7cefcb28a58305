"""The stored counts, and what is made of them: a fit on one half, and its errors on the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from backburner.plan.tokens import Features, Tokenizer, features_of

HERE: Final = Path(__file__).resolve().parent
KINDS: Final = ("reviews", "json rows", "python", "documents", "languages")
COUNTED: Final = {"4.6 and older": Tokenizer.UNTIL_4_6, "4.7 and newer": Tokenizer.FROM_4_8}
_SHORTEST: Final = 10
_ROUNDS: Final = 4_000
_SAMPLES: Final = 6


class Stored(msgspec.Struct, frozen=True):
    """A text and its tokens, without the frame around a message, by both vocabularies."""

    until_4_6: int
    from_4_7: int
    text: str

    def tokens(self, tokenizer: Tokenizer) -> int:
        """The stored count."""
        return self.until_4_6 if tokenizer is Tokenizer.UNTIL_4_6 else self.from_4_7


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """How far the fit is off for a kind of text that it was not made of.

    Attributes:
        chars_per_token: Of the texts.
        fit: Estimated over counted tokens, less 1.
        quarter: The same of a quarter of the characters, the rule of thumb.
    """

    kind: str
    chars_per_token: float
    fit: float
    quarter: float


def texts(kind: str) -> list[Stored]:
    """The stored texts of a kind."""
    path = HERE / f"{kind.replace(' ', '-')}.jsonl"
    return [msgspec.json.decode(line, type=Stored) for line in path.read_bytes().splitlines()]


def fitted(kind: str) -> list[Stored]:
    """The half that the fit is made of."""
    stored = texts(kind)
    return stored[: len(stored) // 2]


def held_out(kind: str) -> list[Stored]:
    """The half that the fit has not seen."""
    stored = texts(kind)
    return stored[len(stored) // 2 :]


def fit(tokenizer: Tokenizer) -> tuple[int, ...]:
    """Thousandths of a token for each feature: least squares of relative errors, none below 0."""
    stored = [one for kind in KINDS for one in fitted(kind)]
    counts = [one.tokens(tokenizer) for one in stored]
    found = _least_squares([features_of(one.text) for one in stored], counts)
    return tuple(round(1_000 * one) for one in found)


def errors(tokenizer: Tokenizer) -> Iterator[Error]:
    """The errors of the sums, kind by kind, on texts that the fit has not seen."""
    for kind in KINDS:
        stored = held_out(kind)
        counted = sum(one.tokens(tokenizer) for one in stored)
        characters = sum(len(one.text) for one in stored)
        estimated = sum(tokenizer.tokens(features_of(one.text)) for one in stored)
        yield Error(
            kind=kind,
            chars_per_token=characters / counted,
            fit=estimated / counted - 1,
            quarter=characters / 4 / counted - 1,
        )


def _least_squares(rows: Sequence[Features], counts: Sequence[int]) -> list[float]:
    """Solves by coordinate descent, which keeps every coefficient at 0 or above."""
    weights = [1 / max(count, _SHORTEST) ** 2 for count in counts]
    width = range(len(rows[0]))
    squares = [
        [sum(w * row[i] * row[j] for row, w in zip(rows, weights, strict=True)) for j in width]
        for i in width
    ]
    aims = [
        sum(w * row[i] * count for row, count, w in zip(rows, counts, weights, strict=True))
        for i in width
    ]
    found = [0.0 for _ in width]
    for _ in range(_ROUNDS):
        for i in width:
            rest = aims[i] - sum(squares[i][j] * found[j] for j in width)
            found[i] = max(0.0, found[i] + rest / squares[i][i])
    return found


def counted_twenty(kind: str, tokenizer: Tokenizer) -> tuple[float, float]:
    """How far off a kind's sum is if twenty texts are counted, at worst: by bytes, by the fit.

    Each sixth text is one of six such samples.
    """
    stored = texts(kind)
    whole = sum(one.tokens(tokenizer) for one in stored)
    by_bytes, by_fit = [], []
    for start in range(_SAMPLES):
        sample = stored[start::_SAMPLES]
        counted = sum(one.tokens(tokenizer) for one in sample)
        by_bytes.append(counted * _bytes(stored) / _bytes(sample) / whole - 1)
        by_fit.append(counted * _fit(stored, tokenizer) / _fit(sample, tokenizer) / whole - 1)
    return max(by_bytes, key=abs), max(by_fit, key=abs)


def _bytes(stored: Sequence[Stored]) -> int:
    return sum(len(one.text.encode()) for one in stored)


def _fit(stored: Sequence[Stored], tokenizer: Tokenizer) -> int:
    return sum(tokenizer.tokens(features_of(one.text)) for one in stored)
