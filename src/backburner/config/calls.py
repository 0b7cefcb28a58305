"""`[worker] concurrency`: how many direct calls are under way at once."""

from typing import Final

from backburner.config.table import ConfigTable

_USUAL: Final = 8
_MOST: Final = 256
"""Each is a thread, and a connection."""


def concurrency(root: ConfigTable) -> int:
    """How many direct calls of a batch are under way at once.

    Raises:
        ConfigError: It is no whole number, or too large.
    """
    chosen = root.table("worker")
    return int(chosen.number("concurrency", _USUAL, least=1, most=_MOST, whole=True))
