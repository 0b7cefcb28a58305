"""Buckets of time and what a caller of the reports asks for: range, pages, filters, grouping.

Source: platform.claude.com/docs/en/api/admin/usage_report/retrieve_messages and
api/admin/cost_report/retrieve (August to November 2026).
"""

import base64
import binascii
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backburner.emulator.calls import Head
from backburner.emulator.replies import RefusedError

_PAGE = "page_"


@dataclass(frozen=True, slots=True)
class Width:
    """A width of buckets: its seconds, and how many there are on a page."""

    seconds: int
    usual: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a report.

    Attributes:
        starts: Where each bucket of the page starts, in POSIX seconds.
        seconds: How long a bucket is.
        next_page: The token of the next page, or None.
        group_by: The keys that are told apart.
        only: The values that a key may have, for each key that is restricted.
    """

    starts: range
    seconds: int
    next_page: str | None
    group_by: frozenset[str]
    only: Mapping[str, frozenset[str]]

    def admits(self, values: Mapping[str, str | None]) -> bool:
        """Whether something with these values is asked for."""
        return all(values[key] in allowed for key, allowed in self.only.items())


def question(
    head: Head,
    now: float,
    *,
    widths: Mapping[str, Width],
    group_by: Iterable[str],
    filters: Mapping[str, str],
) -> Question:
    """What a call asks for.

    Args:
        head: The call.
        now: The time; buckets that have not begun are not shown.
        widths: The widths that may be asked for, the usual one first.
        group_by: The keys that may be told apart.
        filters: The key that each parameter restricts.

    Raises:
        RefusedError: 400 for a parameter that makes no sense.
    """
    name = head.first("bucket_width") or next(iter(widths))
    if name not in widths:
        raise _invalid("bucket_width", f"Input should be {_either(widths)}")
    width = widths[name]
    first, end = _bounds(head, now, width.seconds)
    token = head.first("page")
    if token is not None:
        first = _page_start(token) // width.seconds * width.seconds
    stop = min(end, first + _limit(head, width) * width.seconds)
    groups = frozenset(_values(head, "group_by"))
    if not groups <= set(group_by):
        raise _invalid("group_by", f"Input should be {_either(group_by)}")
    return Question(
        starts=range(first, max(first, stop), width.seconds),
        seconds=width.seconds,
        next_page=_token(stop) if stop < end else None,
        group_by=groups,
        only={
            key: frozenset(_values(head, parameter))
            for parameter, key in filters.items()
            if _values(head, parameter)
        },
    )


def report(asked: Question, rows: Mapping[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """A page of buckets with their rows, by where they start; one without usage has none."""
    return {
        "data": [
            {
                "starting_at": _shown(start),
                "ending_at": _shown(start + asked.seconds),
                "results": rows.get(start, []),
            }
            for start in asked.starts
        ],
        "has_more": asked.next_page is not None,
        "next_page": asked.next_page,
    }


def _bounds(head: Head, now: float, seconds: int) -> tuple[int, int]:
    """The start of the first bucket and the end of the last; those that are cut off are out."""
    starting = _moment(head, "starting_at")
    if starting is None:
        raise _invalid("starting_at", "Field required")
    ending = _moment(head, "ending_at")
    if ending is not None and ending <= starting:
        raise _invalid("ending_at", "must be after starting_at")
    current = (math.floor(now / seconds) + 1) * seconds
    end = current if ending is None else min(current, math.floor(ending / seconds) * seconds)
    return math.floor(starting / seconds) * seconds, end


def _moment(head: Head, name: str) -> float | None:
    text = head.first(name)
    if text is None:
        return None
    try:
        # A plus that nobody escaped has come as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise _invalid(name, "Input should be a valid datetime") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _limit(head: Head, width: Width) -> int:
    text = head.first("limit")
    if text is None:
        return width.usual
    if not text.isdecimal() or not 1 <= int(text) <= width.most:
        raise _invalid("limit", f"Input should be between 1 and {width.most}")
    return int(text)


def _values(head: Head, name: str) -> list[str]:
    return [*head.query.get(f"{name}[]", ()), *head.query.get(name, ())]


def _shown(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _token(moment: int) -> str:
    return _PAGE + base64.urlsafe_b64encode(_shown(moment).encode()).decode()


def _page_start(token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token.removeprefix(_PAGE)).decode()
        return int(datetime.fromisoformat(text).timestamp())
    except (binascii.Error, ValueError):
        raise _invalid("page", "Input should be the next_page of an earlier answer") from None


def _either(names: Iterable[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)


def _invalid(name: str, message: str) -> RefusedError:
    return RefusedError("invalid_request_error", f"{name}: {message}")
