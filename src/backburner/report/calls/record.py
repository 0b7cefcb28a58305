"""From a record of a log to a call."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec

from backburner.nouns.call import Call
from backburner.nouns.usage import Usage
from backburner.report.calls.fields import Columns, Getter

_HASH_BYTES: Final = 16
_MILLISECONDS_FROM: Final = 1e11
"""Numbers from here on are milliseconds since 1970: as seconds they are past the year 5000."""

_MILLI: Final = 1000.0
_TRUE: Final = frozenset({"true", "1", "yes", "t"})
_PREFIX_KEYS: Final = ("model", "tools", "system")


class NoCallError(ValueError):
    """A record that is no call; the message says what it lacks."""


def call_of(record: Mapping[str, Any], columns: Columns) -> Call:
    """The call that a record of a log tells of.

    Raises:
        NoCallError: It has no time, no model, or no tokens.
    """
    fields = columns.of(record)
    model = _text(record, fields, "model")
    if not model:
        raise NoCallError("it has no model")
    at = _time(record, fields, "time")
    if at is None:
        raise NoCallError("it has no time")
    body = _body(record, fields)
    return Call(
        at=at,
        model=model.removeprefix("anthropic/"),
        usage=_usage(record, fields),
        caller=_text(record, fields, "caller"),
        route=_text(record, fields, "route"),
        seconds=_seconds(record, fields, at),
        is_streamed=_is_streamed(record, fields, body),
        is_batched=_text(record, fields, "service_tier") == "batch",
        body=_digest(record, fields, "body_hash") or (_hash(body) if body else b""),
        prefix=_digest(record, fields, "prefix_hash") or _prefix(body),
        prefix_tokens=_count(record, fields, "prefix_tokens"),
    )


def _usage(record: Mapping[str, Any], fields: Mapping[str, Getter]) -> Usage:
    if not {"input_tokens", "prompt_tokens", "output_tokens"} & fields.keys():
        raise NoCallError("it has no tokens")
    counts = {name: _count(record, fields, name) for name in _COUNTS}
    one_hour = counts["cache_write_1h_tokens"]
    written = max(counts["cache_write_tokens"], one_hour + counts["cache_write_5m_tokens"])
    read = counts["cache_read_tokens"]
    fresh = counts["input_tokens"]
    if "input_tokens" not in fields:
        # The prompt's tokens of other tools hold those that were cached too.
        fresh = max(0, counts["prompt_tokens"] - read - written)
    return Usage(
        input_tokens=fresh,
        output_tokens=counts["output_tokens"],
        cache_write_5m_tokens=written - one_hour,
        cache_write_1h_tokens=one_hour,
        cache_read_tokens=read,
    )


_COUNTS: Final = (
    "input_tokens",
    "prompt_tokens",
    "output_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "cache_write_5m_tokens",
    "cache_read_tokens",
)


def _count(record: Mapping[str, Any], fields: Mapping[str, Getter], name: str) -> int:
    value = _value(record, fields, name)
    if value in (None, ""):
        return 0
    try:
        count = int(float(value))
    except (TypeError, ValueError, OverflowError):
        raise NoCallError(f"its {name} is no number") from None
    if count < 0:
        raise NoCallError(f"its {name} is negative")
    return count


def _time(record: Mapping[str, Any], fields: Mapping[str, Getter], name: str) -> float | None:
    value = _value(record, fields, name)
    if value in (None, ""):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return _timestamp(value, name)
    return number / _MILLI if number >= _MILLISECONDS_FROM else number


def _timestamp(value: Any, name: str) -> float:
    try:
        at = datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise NoCallError(f"its {name} is no time") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _seconds(record: Mapping[str, Any], fields: Mapping[str, Getter], at: float) -> float:
    for name, factor in (("seconds", 1.0), ("milliseconds", 1 / _MILLI)):
        value = _value(record, fields, name)
        if value not in (None, ""):
            try:
                return max(0.0, float(value) * factor)
            except (TypeError, ValueError):
                raise NoCallError(f"its {name} is no number") from None
    end = _time(record, fields, "end")
    return max(0.0, end - at) if end is not None else 0.0


def _text(record: Mapping[str, Any], fields: Mapping[str, Getter], name: str) -> str:
    value = _value(record, fields, name)
    if isinstance(value, list):
        return " ".join(str(one) for one in value)
    return "" if value is None else str(value).strip()


def _is_streamed(
    record: Mapping[str, Any], fields: Mapping[str, Getter], body: Mapping[str, Any]
) -> bool:
    value = _value(record, fields, "stream")
    if value is None:
        value = body.get("stream")
    return str(value).strip().lower() in _TRUE


def _body(record: Mapping[str, Any], fields: Mapping[str, Getter]) -> Mapping[str, Any]:
    """The body of the call, where the log keeps it: as an object, or as its JSON."""
    value = _value(record, fields, "body")
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.MsgspecError, UnicodeError):
            value = None
    return value if isinstance(value, Mapping) and "messages" in value else {}


def _prefix(body: Mapping[str, Any]) -> bytes:
    if not body.get("system") and not body.get("tools"):
        return b""
    return _hash({key: body.get(key) for key in _PREFIX_KEYS})


def _digest(record: Mapping[str, Any], fields: Mapping[str, Getter], name: str) -> bytes:
    text = _text(record, fields, name)
    return blake2b(text.encode(), digest_size=_HASH_BYTES).digest() if text else b""


def _hash(value: Mapping[str, Any]) -> bytes:
    data = msgspec.json.encode(value, order="deterministic")
    return blake2b(data, digest_size=_HASH_BYTES).digest()


def _value(record: Mapping[str, Any], fields: Mapping[str, Getter], name: str) -> Any:
    getter = fields.get(name)
    return None if getter is None else getter(record)
