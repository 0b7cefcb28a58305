"""How many tokens a text has, without a tokenizer: a linear fit on what is easily counted."""

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from operator import mul
from typing import Final

from backburner.nouns.model import version_of

Features = tuple[int, ...]
"""What was counted in a text, in the order of `FEATURES`. Sums of two texts are their sums."""

FEATURES: Final = (
    "words",
    "letters after the fifth of a word",
    "capitals inside words",
    "words that begin with a capital",
    "groups of three digits",
    "runs of punctuation",
    "runs of spaces",
    "spaces before digits",
    "letters with accents",
    "characters of two bytes",
    "characters of three bytes and more",
    "characters of East Asia",
)
NOTHING: Final[Features] = (0,) * len(FEATURES)

_WORD: Final = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_INNER_CAPITAL: Final = re.compile(r"(?<=[A-Za-z])[A-Z]")
_FIRST_CAPITAL: Final = re.compile(r"(?<![A-Za-z])[A-Z]")
_RUNS: Final = tuple(map(re.compile, (r"[0-9]{1,3}", r"[!-/:-@\[-`{-~]+", r" {2,}", r" (?=[0-9])")))
_SCRIPTS: Final = tuple(
    map(
        re.compile,
        (
            "[\u0080-\u024f]",
            "[\u0250-\u07ff]",
            "[\u0800-\u2fff\U00010000-\U0010ffff]",
            "[\u3000-\uffff]",
        ),
    )
)
_NO_SCRIPTS: Final = (0,) * len(_SCRIPTS)
_SHORT: Final = 5
_WHOLE: Final = 65_536
_SLICES: Final = 8
"""A text longer than `_WHOLE` characters is looked at in so many slices of it."""


class Tokenizer(Enum):
    """A family of tokenizers, by the first model that has it.

    The weights are fitted to counts of ctok 1.3.0, an unofficial counter, and are what
    `python -m bench.tokens --fit` prints. 4.8 has the vocabulary of 4.7, and a shorter frame.
    """

    UNTIL_4_6 = (7, (930, 225, 161, 391, 1124, 1024, 1778, 1573, 1909, 504, 1121, 1026))
    V4_7 = (11, (1124, 476, 565, 1295, 1031, 1220, 1368, 1180, 1635, 500, 1120, 1020))
    FROM_4_8 = (6, (1124, 476, 565, 1295, 1031, 1220, 1368, 1180, 1635, 500, 1120, 1020))

    @property
    def frame(self) -> int:
        """Tokens around the text of one user message. Source: ctok 1.3.0, README."""
        frame: int = self.value[0]
        return frame

    @property
    def weights(self) -> Features:
        """Thousandths of a token for one of each feature."""
        weights: Features = self.value[1]
        return weights

    def tokens(self, features: Features) -> int:
        """The tokens of a text in which this was counted."""
        thousandths: int = sum(map(mul, self.weights, features))
        return thousandths // 1_000


def tokenizer_of(model: str) -> Tokenizer:
    """The tokenizer of a model; a name without a version counts as new."""
    version = version_of(model) or (4, 8)
    if version >= (4, 8):
        return Tokenizer.FROM_4_8
    return Tokenizer.V4_7 if version == (4, 7) else Tokenizer.UNTIL_4_6


def features_of(text: str) -> Features:
    """Counts in a text what its tokens depend on; of a long one, in slices spread over it."""
    if len(text) <= _WHOLE:
        return _count(text)
    size = _WHOLE // _SLICES
    step = len(text) // _SLICES
    found = total(_count(text[at * step : at * step + size]) for at in range(_SLICES))
    return tuple(count * len(text) // _WHOLE for count in found)


def total(features: Iterable[Features]) -> Features:
    """The sum of what was counted in several texts."""
    return tuple(map(sum, zip(NOTHING, *features, strict=True)))


def _count(text: str) -> Features:
    words = _WORD.findall(text)
    return (
        len(words),
        sum(len(word) - _SHORT for word in words if len(word) > _SHORT),
        len(_INNER_CAPITAL.findall(text)),
        len(_FIRST_CAPITAL.findall(text)),
        *(len(runs.findall(text)) for runs in _RUNS),
        *_scripts(text),
    )


def _scripts(text: str) -> Sequence[int]:
    if text.isascii():
        return _NO_SCRIPTS
    return [len(script.findall(text)) for script in _SCRIPTS]
