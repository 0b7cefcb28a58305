"""A request at the door: what its body must hold, and the bytes that travel.

A body is validated once and never re-encoded: what was checked is what is sent, token for token.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

_RAW = msgspec.Raw | UnsetType


class RequestLine(msgspec.Struct, frozen=True, gc=False):
    """One line of a list of requests: the caller's key and the body as it was written.

    The key is the caller's own and any text will do: the ids that travel are ours.
    """

    custom_id: str
    params: msgspec.Raw


class Params(msgspec.Struct, frozen=True, gc=False):
    """The parts of a Messages body that are looked at before it is sent.

    Values that are only named when they are wrong stay raw. The body's own bytes are kept beside
    this, with keys that are unknown here.
    """

    model: Any = UNSET
    max_tokens: Any = UNSET
    messages: _RAW = UNSET
    tools: _RAW = UNSET
    stream: Any = UNSET
    speed: _RAW = UNSET
    temperature: _RAW = UNSET
    top_p: _RAW = UNSET
    top_k: _RAW = UNSET
    betas: _RAW = UNSET
    fallbacks: _RAW = UNSET
    store: _RAW = UNSET
    previous_thread_event_id: _RAW = UNSET
    cache_hint: _RAW = UNSET
    context_hint: _RAW = UNSET
    billing_policy: _RAW = UNSET
    cache_control: _RAW = UNSET
    compaction: _RAW = UNSET
    container: _RAW = UNSET
    context_management: _RAW = UNSET
    diagnostics: _RAW = UNSET
    fallback_credit_token: _RAW = UNSET
    inference_geo: Any = UNSET
    mcp_servers: _RAW = UNSET
    metadata: _RAW = UNSET
    output_config: _RAW = UNSET
    service_tier: _RAW = UNSET
    stop_sequences: _RAW = UNSET
    system: _RAW = UNSET
    thinking: _RAW = UNSET
    thread: _RAW = UNSET
    tool_choice: _RAW = UNSET
    user_profile_id: _RAW = UNSET


class KnownParams(Params, frozen=True, gc=False, forbid_unknown_fields=True):
    """The same of a body all of whose keys are known.

    Source: anthropic 2.12.0, types/message_create_params.py and its beta twin.
    """


_HALF = re.compile(r"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])")
"""The first half of a surrogate pair, escaped, without the second."""

_line = msgspec.json.Decoder(RequestLine)
_params = msgspec.json.Decoder(Params)
_known_params = msgspec.json.Decoder(KnownParams)
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_line(line: str | bytes) -> RequestLine:
    """Reads one line of a list of requests.

    Raises:
        ValueError: It is not a JSON object with a `custom_id` and `params`, or holds bytes that are
            not UTF-8 or half of a surrogate pair.
    """
    text = line.decode() if isinstance(line, bytes) else line
    try:
        return _line.decode(text)
    except msgspec.DecodeError as error:
        raise _plainer(error, text) from error


def read_params(body: bytes | msgspec.Raw) -> Params:
    """Reads the checked parts of a body; `KnownParams` if there are no others.

    Raises:
        ValueError: It is not a JSON object.
    """
    try:
        return _known_params.decode(body)
    except msgspec.DecodeError:
        # Most often only a key that is unknown.
        return _read_any(body)


def _read_any(body: bytes | msgspec.Raw) -> Params:
    try:
        return _params.decode(body)
    except msgspec.DecodeError as error:
        raise _plainer(error, bytes(body).decode(errors="replace")) from error


def _plainer(error: Exception, text: str) -> Exception:
    """The same error in words, where msgspec takes half of a surrogate pair for the text's end."""
    return ValueError("it holds half of a surrogate pair") if _HALF.search(text) else error


def unknown_keys(body: bytes | msgspec.Raw) -> list[str]:
    """Gives the keys of a body that no Messages call is known to have."""
    return [key for key in _keys.decode(body) if key not in KnownParams.__struct_fields__]


def travelling(body: bytes | msgspec.Raw) -> bytes:
    r"""Gives the bytes of a body as they travel: its own, on one line.

    Only a body that holds a line end is compacted; numbers, escapes and the order of keys stay.
    """
    raw = bytes(body)
    if b"\n" in raw or b"\r" in raw:
        return msgspec.json.format(raw, indent=-1)
    return raw


def encode_params(params: Mapping[str, Any]) -> bytes:
    """Writes a body that came as a Python mapping; objects of the SDK become plain JSON.

    Raises:
        ValueError: It holds a number that JSON cannot write, half of a surrogate pair, or itself.
        TypeError: It holds a value that is no JSON, such as bytes or a date.
    """
    try:
        if _is_simple(params):
            return msgspec.json.encode(params)
        return _encoder.encode(params).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deep, or holds itself") from error


def _is_simple(value: Any) -> bool:
    """Whether msgspec writes this as the standard library does, and four times as fast.

    Bytes, sets, dates and NaN it would write too, as something that nobody meant.
    """
    kind = type(value)
    if kind is dict:
        return all(type(key) is str for key in value) and all(map(_is_simple, value.values()))
    if kind is list:
        return all(map(_is_simple, value))
    return kind in _ATOMS


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"a value of type {type(value).__name__} is no JSON")
    return dump(mode="json", by_alias=True, exclude_unset=True)


_ATOMS = frozenset({str, int, bool, type(None)})
_encoder = json.JSONEncoder(
    allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain
)
