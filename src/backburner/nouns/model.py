"""What a model's name says about it."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from backburner.errors import InputError
from backburner.nouns.given import several

_VERSION: Final = re.compile(r"^claude-([a-z]+)-(\d+)(?:-(\d{1,2}))?(?:-20\d{6})?$")

LEAST_CAP: Final = 64_000
_NEW_OUTPUT: Final = 128_000
_NEW_FROM: Final = (4, 6)
"""Sonnet 4.6 and all newer ones write up to 128,000 tokens, the 4.5 family 64,000, which
no model is below.

Source: platform.claude.com models/overview, 2026-08-22.
"""

_EXTENDED_BETA: Final = "output-300k-2026-03-24"
_BETA: Final = re.compile(r"[A-Za-z0-9._-]+")
"""Names travel in a header, parted by commas: what else they held would break it."""

BATCH_ONLY_BETAS: Final = frozenset({_EXTENDED_BETA})
"""Betas that sync calls refuse."""

_EXTENDED_OUTPUT: Final = 300_000
_EXTENDED: Final = re.compile(r"^claude-(opus|sonnet|haiku)-")
"""Families with extended output from 4.6 on; Fable and Mythos are not listed.

Source: platform.claude.com batch-processing, 2026-09-26.
"""


def betas_of(names: Iterable[str]) -> tuple[str, ...]:
    """Names of betas as a run keeps them: each once, sorted.

    Raises:
        InputError: They are no list, or one of them is no name.
    """
    given = several("betas", names)
    for name in given:
        if not isinstance(name, str) or not _BETA.fullmatch(name):
            raise InputError(
                f"{name!r} is no name of a beta: letters, digits and . _ -",
                hint=f"give one such as {_EXTENDED_BETA}, each by itself",
            )
    return tuple(sorted(set(given)))


def version_of(model: str) -> tuple[int, int] | None:
    """The version in a model's name, `claude-opus-4-7` is (4, 7); None where it names none."""
    found = _VERSION.match(model)
    return (int(found[2]), int(found[3] or 0)) if found else None


def line_of(model: str) -> str | None:
    """The line in a model's name, `claude-opus-4-7` is of `opus`; None where it names none."""
    found = _VERSION.match(model)
    return found[1] if found else None


def most_output_tokens(model: str, betas: Collection[str] = ()) -> int:
    """The largest `max_tokens` that a batch takes for a model.

    A name that says no version counts as an old one: too small a cap costs an attempt, too large a
    one has the request refused.
    """
    version = version_of(model)
    if version is None or version < _NEW_FROM:
        return LEAST_CAP
    if _EXTENDED_BETA in betas and _EXTENDED.match(model):
        return _EXTENDED_OUTPUT
    return _NEW_OUTPUT
