"""Lines of a results file as the API writes them, for requests that were asked directly.

Source: platform.claude.com batch-processing, 2026-09-26.
"""

from typing import Any, Final

import msgspec

from backburner.nouns.fault import Fault

TOO_LARGE: Final = 413
"""The status of a body that may be refused before the API sees it, and so without its error class.

Source: platform.claude.com api/errors, 2026-08-22.
"""

_COMPACT: Final = -1


def succeeded(custom_id: str, message: bytes) -> bytes:
    """The line of an answer, whose bytes stay as they are unless they hold a line end."""
    one_line = msgspec.json.format(message, indent=_COMPACT) if b"\n" in message else message
    return _line(custom_id, b'{"type":"succeeded","message":%b}' % one_line)


def errored(custom_id: str, fault: Fault) -> bytes:
    """The line of a request that the API refused, or failed on."""
    kind = fault.error_type or "request_too_large"
    error: dict[str, Any] = {"type": "error", "error": {"type": kind, "message": fault.what}}
    if fault.request_id:
        error["request_id"] = fault.request_id
    return _line(custom_id, msgspec.json.encode({"type": "errored", "error": error}))


def canceled(custom_id: str) -> bytes:
    """The line of a request that was never asked."""
    return _line(custom_id, b'{"type":"canceled"}')


def _line(custom_id: str, result: bytes) -> bytes:
    return b'{"custom_id":"%b","result":%b}' % (custom_id.encode(), result)
