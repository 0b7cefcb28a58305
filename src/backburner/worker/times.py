"""The upstream's timestamps."""

from datetime import datetime


def posix(timestamp: str | None) -> float | None:
    """POSIX seconds of an RFC 3339 timestamp; `Z` and `+00:00` both occur.

    None for what is no timestamp: an accepted batch must not fall into doubt over its date.

    Source: platform.claude.com api/messages/batches, 2026-09-26.
    """
    if not timestamp:
        return None
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except ValueError:
        return None
