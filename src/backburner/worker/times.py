"""The upstream's timestamps."""

from datetime import datetime


def posix(timestamp: str | None) -> float | None:
    """POSIX seconds of an RFC 3339 timestamp; `Z` and `+00:00` both occur.

    Source: platform.claude.com api/messages/batches, 2026-09-26.
    """
    if not timestamp:
        return None
    return datetime.fromisoformat(timestamp).timestamp()
