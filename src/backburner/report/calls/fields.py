"""Which column of a log means what.

Logs of others are read by their own names. Sources: platform.claude.com messages (`usage`);
open-telemetry semantic conventions for generative AI; exports of LiteLLM, Langfuse and Helicone as
their documentation names them, read 2026-11-22. `docs/audit.md` lists them for users.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

FIELDS: Final[Mapping[str, Sequence[str]]] = {
    "time": (
        "time",
        "timestamp",
        "start_time",
        "starttime",
        "request_created_at",
        "created_at",
        "created",
        "date",
    ),
    "end": ("end_time", "endtime", "response_created_at"),
    "seconds": ("seconds", "latency", "latency_seconds", "duration", "duration_seconds"),
    "milliseconds": ("latency_ms", "duration_ms", "delay_ms", "request_duration_ms"),
    "model": (
        "model",
        "request_model",
        "response_model",
        "gen_ai.response.model",
        "gen_ai.request.model",
        "provided_model_name",
        "body.model",
        "request.model",
    ),
    "input_tokens": ("input_tokens", "usage.input_tokens", "uncached_input_tokens"),
    "prompt_tokens": (
        "prompt_tokens",
        "prompttokens",
        "usage.prompt_tokens",
        "gen_ai.usage.input_tokens",
    ),
    "output_tokens": (
        "output_tokens",
        "usage.output_tokens",
        "completion_tokens",
        "completiontokens",
        "usage.completion_tokens",
        "gen_ai.usage.output_tokens",
    ),
    "cache_write_tokens": (
        "cache_creation_input_tokens",
        "usage.cache_creation_input_tokens",
        "cache_write_tokens",
        "prompt_cache_write_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
    ),
    "cache_write_1h_tokens": (
        "cache_write_1h_tokens",
        "usage.cache_creation.ephemeral_1h_input_tokens",
        "cache_creation.ephemeral_1h_input_tokens",
    ),
    "cache_write_5m_tokens": (
        "cache_write_5m_tokens",
        "usage.cache_creation.ephemeral_5m_input_tokens",
        "cache_creation.ephemeral_5m_input_tokens",
    ),
    "cache_read_tokens": (
        "cache_read_tokens",
        "cache_read_input_tokens",
        "usage.cache_read_input_tokens",
        "prompt_cache_read_tokens",
        "gen_ai.usage.cache_read.input_tokens",
    ),
    "caller": (
        "caller",
        "api_key_name",
        "key_name",
        "api_key_id",
        "api_key",
        "request_user_id",
        "user_id",
        "userid",
        "user",
        "service.name",
        "service",
        "app",
    ),
    "route": (
        "route",
        "path",
        "job",
        "task",
        "trace_name",
        "tracename",
        "name",
        "request_tags",
        "tags",
    ),
    "stream": ("stream", "streamed", "is_streaming", "gen_ai.request.stream", "body.stream"),
    "service_tier": ("service_tier", "usage.service_tier"),
    "body": ("body", "request_body", "request"),
    "body_hash": ("body_hash", "request_hash"),
    "prefix_hash": ("prefix_hash", "system_hash", "prompt_hash"),
    "prefix_tokens": ("prefix_tokens", "system_tokens"),
}
"""Our names with what others call the same. The first that a record has is taken."""

Getter = Callable[[Mapping[str, Any]], Any]
Shape = tuple[Any, ...]
"""The keys of a record, those of records in it too."""


class Columns:
    """Finds the fields of records; those of one shape are looked at once.

    Args:
        own: What the user says a column means, by its name.
    """

    def __init__(self, own: Mapping[str, str]) -> None:
        self._own = {column.lower(): field for column, field in own.items()}
        self._known: dict[Shape, dict[str, Getter]] = {}

    def of(self, record: Mapping[str, Any]) -> dict[str, Getter]:
        """How to get each field out of records that have these keys."""
        shape = _shape(record)
        found = self._known.get(shape)
        if found is None:
            found = self._known[shape] = self._found(record)
        return found

    def _found(self, record: Mapping[str, Any]) -> dict[str, Getter]:
        paths = dict(_paths(record, ()))
        getters = {
            field: _getter(paths[name])
            for field, names in FIELDS.items()
            for name in reversed(names)
            if name in paths
        }
        for name, field in self._own.items():
            if name in paths:
                getters[field] = _getter(paths[name])
        return getters


def _shape(record: Mapping[str, Any]) -> Shape:
    return tuple(
        (key, _shape(value)) if isinstance(value, Mapping) else key for key, value in record.items()
    )


def _paths(record: Mapping[str, Any], above: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Every place in a record by its dotted name in lower case; deeper ones first."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for key, value in record.items():
        path = (*above, key)
        if isinstance(value, Mapping):
            found += _paths(value, path)
        found.append((".".join(path).lower(), path))
    return found


def _getter(path: tuple[str, ...]) -> Getter:
    if len(path) == 1:
        key = path[0]
        return lambda record: record.get(key)

    def get(record: Mapping[str, Any]) -> Any:
        value: Any = record
        for key in path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value

    return get
