"""An address of HTTP: it is shown and kept in the open, so it may hold no password."""

from collections.abc import Collection
from urllib.parse import urlsplit


def is_address(text: str, schemes: Collection[str] = ("http", "https")) -> bool:
    """Whether a text is one, of a scheme, without user and password."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and not holds_user(text)
    except ValueError:
        return False


def holds_user(text: str) -> bool:
    """Whether a user or a password stands before the host, as in `http://user:word@host`."""
    return "@" in text.partition("://")[2].partition("/")[0]
