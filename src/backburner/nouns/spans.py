"""Spans of time as people type them: `12h`, `30d`."""

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


def span_of(text: str, option: str) -> timedelta:
    """A span of time, typed as the value of an option.

    Raises:
        InputError: It is none.
    """
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise InputError(
            f"{option} {text} is no span of time",
            hint="write a number and m, h, d or w, such as 12h or 30d",
        )
    return int(match[1]) * _UNITS[match[2]]
