"""Pages of a list, newest first.

Source: platform.claude.com/docs/en/api/messages/batches/list and api/models (August 2026).
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from backburner.emulator.calls import Head
from backburner.emulator.replies import RefusedError
from backburner.emulator.settings import Settings

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 1_000
_Item = TypeVar("_Item")


def page(
    items: Sequence[_Item],
    identify: Callable[[_Item], str],
    show: Callable[[_Item], object],
    head: Head,
    settings: Settings,
) -> dict[str, object]:
    """The page that a call asks for with `limit`, `after_id` and `before_id`.

    Raises:
        RefusedError: 400 for a limit out of range or cursors that make no sense.
    """
    limit = _limit(head)
    after, before = head.first("after_id"), head.first("before_id")
    careful = settings.strict and settings.switches.both_cursors == "refuse"
    if after and before and careful:
        raise RefusedError(
            "invalid_request_error", "Only one of after_id and before_id may be given."
        )
    ids = [identify(item) for item in items]
    if after:
        start = _place(ids, after, settings) + 1
        chosen, more = items[start : start + limit], len(items) > start + limit
    elif before:
        stop = _place(ids, before, settings)
        stop = max(stop, 0)
        chosen, more = items[max(0, stop - limit) : stop], stop > limit
    else:
        chosen, more = items[:limit], len(items) > limit
    return {
        "data": [show(item) for item in chosen],
        "has_more": more,
        "first_id": identify(chosen[0]) if chosen else None,
        "last_id": identify(chosen[-1]) if chosen else None,
    }


def _limit(head: Head) -> int:
    text = head.first("limit")
    if text is None:
        return DEFAULT_LIMIT
    try:
        limit = int(text)
    except ValueError:
        refused = "limit: Input should be a valid integer"
        raise RefusedError("invalid_request_error", refused) from None
    if limit < 1:
        raise RefusedError(
            "invalid_request_error", "limit: Input should be greater than or equal to 1"
        )
    if limit > LARGEST_LIMIT:
        raise RefusedError(
            "invalid_request_error",
            f"limit: Input should be less than or equal to {LARGEST_LIMIT}",
        )
    return limit


def _place(ids: list[str], cursor: str, settings: Settings) -> int:
    """Where a cursor stands; past the end if it names nothing and that is tolerated."""
    if cursor in ids:
        return ids.index(cursor)
    if settings.strict and settings.switches.unknown_cursor == "refuse":
        raise RefusedError("invalid_request_error", f"No object with id `{cursor}` was found.")
    return len(ids)
