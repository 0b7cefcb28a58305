"""The models' ends and their context windows, as far as a request can run into them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from backburner.nouns.model import line_of, version_of
from backburner.nouns.tariff import undated

ENDS: Final[Mapping[str, date]] = {
    "claude-3-opus": date(2026, 1, 5),
    "claude-3-7-sonnet": date(2026, 2, 19),
    "claude-3-5-haiku": date(2026, 2, 19),
    "claude-3-haiku": date(2026, 4, 20),
    "claude-sonnet-4": date(2026, 6, 15),
    "claude-sonnet-4-0": date(2026, 6, 15),
    "claude-opus-4": date(2026, 6, 15),
    "claude-opus-4-0": date(2026, 6, 15),
    "claude-mythos-preview": date(2026, 6, 30),
    "claude-opus-4-1": date(2026, 8, 5),
    "claude-sonnet-4-5": date(2026, 11, 30),
}
"""The day each model retires, or did.

Source: platform.claude.com about-claude/model-deprecations, and anthropic 2.12.0,
resources/messages/messages.py (`DEPRECATED_MODELS`), 2026-11-20.
"""

_SMALL: Final = frozenset({"claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-5"})
_SMALL_WINDOW: Final = 200_000
_WINDOW: Final = 1_000_000
"""Source: platform.claude.com models/overview, 2026-08-22, for 4.6 and all newer models."""

_LEAST_BYTES: Final = 6
"""More bytes of text to a token than any prose has: beyond the window with these is surely so.

English prose has 3.6 to 4.5. Source: the measurements that `plan.estimating` names.
"""

_USUAL_BYTES: Final = {_SMALL_WINDOW: 4, _WINDOW: 3}
"""Bytes of English prose to a token, by what a model's window is."""

SURELY_FITS: Final = _SMALL_WINDOW * _USUAL_BYTES[_SMALL_WINDOW]
"""A body of as many bytes is within every window by either measure."""

_RESTRICTED: Final = "mythos"
_SAME_BYTES: Final = re.compile(rb"(.)\1{15,}", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\u[0-9a-fA-F]{4}")


def end_of(model: str) -> date | None:
    """The day a model retires, or did; None if none is known."""
    return ENDS.get(undated(model).removesuffix("-latest"))


class Unpriced(Collection[str]):
    """Models that may be sent where their price need not be known: all but those known to be over.

    Args:
        known: The models whose price is known, none of them retired.
    """

    def __init__(self, known: Collection[str]) -> None:
        self._known = known

    def __contains__(self, model: object) -> bool:
        return model in self._known or (isinstance(model, str) and end_of(model) is None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def usable(models: Collection[str], today: date) -> frozenset[str]:
    """Those of some models that are not retired on a day."""
    return frozenset(model for model in models if (end_of(model) or date.max) > today)


def retiring(models: Iterable[str]) -> Iterator[tuple[str, date]]:
    """Those of some models whose end is set, with its day."""
    for model in models:
        if (end := end_of(model)) is not None:
            yield model, end


def newest_of_lines(models: Iterable[str]) -> dict[str, str]:
    """The newest of some models in each line, by line: of those whose end is not set.

    Mythos is not for everybody, and never among them.
    """
    lasting = [model for model in models if end_of(model) is None]
    lasting.sort(key=lambda model: version_of(model) or (0, 0))
    by_line = {line: model for model in lasting if (line := line_of(model)) is not None}
    by_line.pop(_RESTRICTED, None)
    return by_line


def window_of(model: str) -> int:
    """The tokens that a model's prompt may have."""
    return _SMALL_WINDOW if undated(model) in _SMALL else _WINDOW


def is_too_long(model: str, body: bytes) -> bool:
    """Whether a body is surely beyond its model's window.

    Never by encoded files, whose bytes are no text; runs of one character count as a few bytes,
    and escapes as the least that their characters can be.
    """
    limit = window_of(model) * _LEAST_BYTES
    if len(body) <= limit or _holds_file(body):
        return False
    return len(_ESCAPE.sub(b".", _SAME_BYTES.sub(rb"\1", body))) > limit


def is_maybe_too_long(model: str, body: bytes) -> bool:
    """Whether a body of usual prose would be beyond its model's window."""
    window = window_of(model)
    return len(body) > window * _USUAL_BYTES[window] and not _holds_file(body)


def _holds_file(body: bytes) -> bool:
    return b'"base64"' in body
