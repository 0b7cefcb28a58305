"""What a batch refuses, found before anything is sent."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET

from backburner.nouns.model import version_of
from backburner.nouns.request import Params
from backburner.plan.lifecycle import end_of, is_too_long, window_of

MAX_REQUEST_BYTES = 32_000_000
"""The largest single request, in bytes.

Source: platform.claude.com/docs/en/api/errors, read 2026-08-22: Messages take 32 MB; whether a
megabyte is 10^6 or 2^20 bytes is not said, so the smaller is taken.
"""

_SHOWN = 60
_BLANK = re.compile(rb'"content"[ \t\r\n]*:[ \t\r\n]*"(?:[ \t]|\\[nrt])*"')


class _Turn(msgspec.Struct, gc=False):
    role: Any = None
    content: Any = None


_turns = msgspec.json.Decoder(list[_Turn])


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request cannot travel in a batch.

    Attributes:
        code: Stable, in snake case.
        what: A plain sentence that names the key and its value.
        hint: What to do next.
        path: Where in the parameters it stands; where it should stand, if it is missing.
    """

    code: str
    what: str
    hint: str
    path: tuple[str | int, ...] = ()


_SAMPLING_HINT = "remove it: API version 2026-10-21 has no sampling parameters"
_UNSUPPORTED_HINT = "remove it, or send the request outside a batch"

# Source: platform.claude.com/docs/en/build-with-claude/batch-processing, union of the copies of
# August and September 2026; api/migration-2026-10-21 for sampling; refusals-and-fallback.
_NEVER = {
    "speed": "remove it: batches have no fast mode",
    "temperature": _SAMPLING_HINT,
    "top_p": _SAMPLING_HINT,
    "top_k": _SAMPLING_HINT,
    "betas": "remove it and name each beta with --beta; a batch has one set of betas",
    "fallbacks": "remove it: a batch does not fall back to another model",
    "store": _UNSUPPORTED_HINT,
    "previous_thread_event_id": _UNSUPPORTED_HINT,
    "cache_hint": _UNSUPPORTED_HINT,
    "context_hint": _UNSUPPORTED_HINT,
}
# Source: platform.claude.com pricing (data residency pricing), 2026-08-21: 4.6 and newer; an older
# model answers 400.
_GEOS = ("us", "global")
_GEO_FROM = (4, 6)
_never_values = attrgetter(*_NEVER)
_RARE = (*_NEVER, "stream", "billing_policy", "inference_geo")
_rare_values = attrgetter(*_RARE)
_NONE_SET = (UNSET,) * len(_RARE)


def refusals(params: Params, known_models: Collection[str] | None = None) -> tuple[Refusal, ...]:
    """Gives every reason why a batch would refuse these parameters.

    Args:
        params: The checked parts of the body.
        known_models: Models that can be sent; None lets any model pass.
    """
    needed = (
        *_model(params.model, known_models),
        *_max_tokens(params.max_tokens),
        *_messages(params.messages),
    )
    # One look at all the rare keys: nearly every request has none of them.
    if _rare_values(params) == _NONE_SET:
        return needed
    return (
        *needed,
        *_stream(params.stream),
        *_never(params),
        *_billing(params.billing_policy),
        *_geo(params.model, params.inference_geo),
    )


def size_refusal(body_bytes: int) -> Refusal | None:
    """Gives the reason why a body of this size cannot travel, or None."""
    if body_bytes <= MAX_REQUEST_BYTES:
        return None
    return Refusal(
        "request_too_large",
        f"the request has {body_bytes:,} bytes; a single request may have {MAX_REQUEST_BYTES:,}",
        "shorten it, or put large files in with the Files API and name their ids",
    )


def blank_message(params: Params) -> Refusal | None:
    """Gives the reason why a message without any text cannot travel, or None.

    Source: platform.claude.com/docs/en/api/messages, August 2026: content is not empty, but for an
        assistant's message at the end.
    """
    if params.messages is UNSET or not _BLANK.search(memoryview(params.messages)):
        return None
    try:
        turns = _turns.decode(params.messages)
    except ValueError:
        return None
    for place, turn in enumerate(turns):
        is_last = place == len(turns) - 1
        is_blank = isinstance(turn.content, str) and not turn.content.strip()
        if is_blank and not (is_last and turn.role == "assistant"):
            what = f"messages[{place}] is blank"
            return Refusal("prompt_empty", what, "write something into it", ("messages", place))
    return None


def length_refusal(model: str, body: bytes) -> Refusal | None:
    """Gives the reason why a prompt is surely too long for its model, or None."""
    if not is_too_long(model, body):
        return None
    what = f"the prompt is too long: {len(body):,} bytes are over {window_of(model):,} tokens"
    return Refusal("prompt_too_long", what, f"shorten it: that is what {model} takes")


def _refused(what: str, hint: str, key: str) -> Refusal:
    return Refusal("parameter_refused", what, hint, (key,))


def _model(model: Any, known_models: Collection[str] | None) -> tuple[Refusal, ...]:
    if not isinstance(model, str) or not model:
        return (_refused(_not("model", model, "the name of a model"), "add `model`", "model"),)
    if known_models is None or model in known_models:
        return ()
    near = get_close_matches(model, known_models, n=1)
    hint = f"did you mean {near[0]}?" if near else "choose a model that the price table knows"
    if (end := end_of(model)) is not None:
        return (Refusal("model_retired", f"model {model!r} retired on {end}", hint, ("model",)),)
    anyway = " If not, --allow-unknown-price sends it" if near else "; or --allow-unknown-price"
    return (Refusal("model_unknown", f"model {model!r} is unknown", hint + anyway, ("model",)),)


def _max_tokens(value: Any) -> tuple[Refusal, ...]:
    if type(value) is int and value >= 1:
        return ()
    wanted = "a whole number of at least 1"
    hint = f"give max_tokens as {wanted}"
    if value == 0 and type(value) is int:
        hint += "; 0, which only warms a cache, works outside batches only"
    return (_refused(_not("max_tokens", value, wanted), hint, "max_tokens"),)


def _messages(value: Any) -> tuple[Refusal, ...]:
    text = b"" if value is UNSET else bytes(value)
    if text[:2] == b"[{" or (text[:1] == b"[" and text[1:-1].strip()):
        return ()
    return (
        _refused(
            "messages is missing" if value is UNSET else "messages is not a list with a message",
            'add at least one message, such as {"role": "user", "content": "…"}',
            "messages",
        ),
    )


def _stream(value: Any) -> tuple[Refusal, ...]:
    if value is UNSET or value is False or value is None:
        return ()
    return (_refused(f"stream is {_show(value)}", "remove it: a batch does not stream", "stream"),)


def _never(params: Params) -> tuple[Refusal, ...]:
    return tuple(
        _refused(f"{key} is {_show(value)}, which a batch refuses", hint, key)
        for (key, hint), value in zip(_NEVER.items(), _never_values(params), strict=True)
        if value is not UNSET
    )


def _billing(value: Any) -> tuple[Refusal, ...]:
    # Source: anthropic 2.12.0, types/beta/message_create_params.py: such an item is errored.
    if value is UNSET or b"user_profile" not in bytes(value):
        return ()
    what = f"billing_policy is {_show(value)}: a batch cannot bill a user profile"
    return (_refused(what, "remove billing_policy", "billing_policy"),)


def _geo(model: Any, value: Any) -> tuple[Refusal, ...]:
    if value is UNSET or value is None:
        return ()
    if value not in _GEOS:
        hint = 'give "us", or remove it'
        return (_refused(_not("inference_geo", value, "us or global"), hint, "inference_geo"),)
    version = version_of(model) if isinstance(model, str) else None
    if version is None or version >= _GEO_FROM:
        return ()
    what = f"inference_geo is {_show(value)}, which {model} refuses"
    return (_refused(what, "remove it, or name a newer model", "inference_geo"),)


def _not(key: str, value: Any, wanted: str) -> str:
    if value is UNSET:
        return f"{key} is missing"
    return f"{key} is {_show(value)}, not {wanted}"


def _show(value: Any) -> str:
    raw = bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)
    text = raw.decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
