"""From answers to facts: what is worth comparing in them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from backburner.client.doctor.observing import NOTHING
from backburner.upstream.raw import Seen

_WATCHED: Final = (
    "request-id",
    "anthropic-workspace-id",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "date",
    "retry-after",
    "x-should-retry",
)
"""Headers that something here relies on, or may come to rely on."""


def answer_facts(seen: Seen, name: str = "") -> dict[str, str]:
    """Status, kind of error, content type and headers of an answer."""
    error = seen.body.get("error")
    facts = {
        "status": str(seen.status),
        "content type": seen.headers.get("content-type", NOTHING),
        "headers": listed(one for one in _WATCHED if one in seen.headers),
    }
    if seen.status >= 400:  # noqa: PLR2004  # where HTTP's errors begin
        facts["error type"] = str(error.get("type")) if isinstance(error, dict) else NOTHING
    return {f"{name}: {fact}" if name else fact: value for fact, value in facts.items()}


def batch_facts(batch: Mapping[str, Any]) -> dict[str, str]:
    """Fields, state and forms of a batch object."""
    return {
        "fields": fields_of(batch),
        "state": str(batch.get("processing_status")),
        "counts": fields_of(batch.get("request_counts")),
        "form of times": re.sub(r"\d", "0", str(batch.get("created_at"))),
        "form of ids": str(batch.get("id")).partition("_")[0] + "_…",
    }


def fields_of(value: object) -> str:
    """The names of an object's fields, in one order."""
    return listed(value) if isinstance(value, Mapping) else NOTHING


def listed(names: Iterable[object]) -> str:
    """Names in one order, as one text."""
    return ", ".join(sorted(map(str, names))) or NOTHING


def decoded(line: bytes) -> dict[str, Any]:
    """The JSON object of a line; empty where it holds none."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return value if isinstance(value, dict) else {}


def line_facts(lines: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Fields and kinds, over all lines."""
    results = [line.get("result") or {} for line in lines]
    messages = [result.get("message") or {} for result in results]
    usages = [message.get("usage") or {} for message in messages]
    return {
        "fields of a line": listed({name for line in lines for name in line}),
        "kinds of result": listed({result.get("type") for result in results}),
        "fields of a result": listed({name for result in results for name in result}),
        "fields of a message": listed({name for message in messages for name in message}),
        "fields of usage": listed({name for usage in usages for name in usage}),
        "service tier": listed({usage.get("service_tier") for usage in usages}),
    }


def limits_of(batch: Mapping[str, Any]) -> dict[str, str]:
    """How long a new batch may take, and what is counted at first."""
    counts = batch.get("request_counts") or {}
    try:
        begun, ends = (
            datetime.fromisoformat(str(batch.get(name))) for name in ("created_at", "expires_at")
        )
        hours = f"{(ends - begun).total_seconds() / 3600:g} h after its creation"
    except ValueError:
        hours = NOTHING
    return {"expires": hours, "processing at first": str(counts.get("processing"))}


def skew(seen: Seen, now: float) -> str:
    """How far the upstream's clock is from ours, by the header `date`."""
    text = seen.headers.get("date")
    if not text:
        return "not told"
    try:
        theirs = parsedate_to_datetime(text)
    except ValueError:
        return "not readable"
    return f"{(theirs - datetime.fromtimestamp(now, UTC)).total_seconds():+.0f} s against ours"


def results_place(batch: Mapping[str, Any], batch_id: str, base_url: str) -> str:
    """Where a batch says its results are, without its id; another host is said to be one."""
    url = urlsplit(str(batch.get("results_url")))
    path = url.path.replace(batch_id, "ID")
    return path if url.netloc == urlsplit(base_url).netloc else f"{path}, on another host"
