"""Spans of time as people type them, `12h` or `30d`, and as they read them: `2 h 5 min`."""

import re
from datetime import timedelta
from typing import Final

from backburner.errors import InputError

_SPAN: Final = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_MINUTE: Final = 60
_HOUR: Final = 3600


def in_words(seconds: float) -> str:
    """How long: `12 s`, `3 min`, `2 h 5 min`."""
    whole = max(int(seconds), 0)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def is_span(text: str) -> bool:
    """Whether a text is a span of time."""
    return _SPAN.fullmatch(text.strip().lower()) is not None


def span_of(text: str, option: str) -> timedelta:
    """A span of time, typed as the value of an option.

    Raises:
        InputError: It is none.
    """
    match = _SPAN.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if match is None:
        raise InputError(
            f"{option} {text} is no span of time",
            hint="write a number and m, h, d or w, such as 12h or 30d",
        )
    return int(match[1]) * _UNITS[match[2]]
