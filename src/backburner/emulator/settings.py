"""What can be chosen about an emulator before it starts."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from backburner.emulator.cacheplan import CachePlan
from backburner.emulator.faultplan import FaultPlan

DEFAULT_WORKSPACE = "wrkspc_01Emu1atorDefau1tWorkspc"

FailureKind = Literal[
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "rate_limit_error",
    "timeout_error",
    "api_error",
    "overloaded_error",
    "expired",
    "refusal",
    "max_tokens",
    "pause_turn",
]
"""How one request may be made to end: an error type, `expired`, or a stop reason."""

Slip = Literal["drop", "double", "spoil"]
"""How a task that is asked among others may come out: without its id, with it twice, or as null."""


@dataclass(frozen=True, slots=True)
class Rule:
    r"""Requests whose last user text matches a pattern, and how they end.

    Args:
        match: A regular expression, searched for in the text.
        answer: What the model says; `\1` and `\g<name>` stand for groups of the match.
        kind: Another ending than an answer, or None.
        searches: Web searches made for it, if not as many as for other requests.
        slip: What goes wrong where it is one of several tasks of a prompt; alone it goes well.
    """

    match: str
    answer: str = ""
    kind: FailureKind | None = None
    searches: int | None = None
    slip: Slip | None = None


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """One scripted failure: the request at `index` of the batch accepted as `ordinal`.

    Both count from 0.
    """

    ordinal: int
    index: int
    kind: FailureKind = "overloaded_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Rate limits of an organisation; None means unlimited.

    The defaults are those of the tier Scale.

    Source: platform.claude.com/docs/en/api/rate-limits, read 2026-08-22.
    """

    batch_calls_per_minute: int | None = 4_000
    queued_requests: int | None = 500_000
    message_calls_per_minute: int | None = 4_000
    count_calls_per_minute: int | None = 8_000
    requests_per_batch: int = 100_000
    batch_body_bytes: int = 256_000_000
    message_body_bytes: int = 32_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Behaviour that the documentation leaves open; the defaults are the cautious readings.

    Args:
        counts: `final` keeps every request under `processing` until the batch has ended, as the
            reference says; `progressive` moves the counters, as has been observed.
        cancel_ended: Whether cancelling an ended batch is refused with a 400.
        cancel_twice: Whether a second cancel is answered like the first.
        archived_status: The status of results asked for after 29 days.
        speed_standard: Whether `speed: "standard"` is tolerated in a batch.
        gzip_batches: Whether batches may be created from a gzip-compressed body.
        results_range: Whether results honour a `Range` header.
        both_cursors: Whether `after_id` and `before_id` together are refused.
        unknown_cursor: Whether a cursor that names nothing is refused or gives an empty page.
        version_violation: Whether a parameter that the API version forbids fails its request or
            the whole creation.
        extended_output_everywhere: Whether 300,000 tokens of output are open to Fable and Mythos.
        edge_html: Whether a body that is too large is answered with HTML from the network's edge.
        cache_minimum: Whose word is taken for the shortest prefix that is cached: Anthropic's page,
            or the larger numbers reported for Sonnet 4.6 (2,048) and Opus 4.7 (4,096).
    """

    counts: Literal["final", "progressive"] = "final"
    cancel_ended: Literal["refuse", "accept"] = "refuse"
    cancel_twice: Literal["refuse", "accept"] = "accept"
    archived_status: int = 404
    speed_standard: bool = False
    gzip_batches: bool = False
    results_range: bool = False
    both_cursors: Literal["refuse", "after_wins"] = "refuse"
    unknown_cursor: Literal["refuse", "empty"] = "refuse"
    version_violation: Literal["item", "create"] = "item"
    extended_output_everywhere: bool = False
    edge_html: bool = False
    cache_minimum: Literal["documented", "reported"] = "documented"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that decides how an emulator behaves.

    Args:
        seed: Source of ids, orders and chances.
        turnaround: Seconds from creation to the last request's end, or a function of
            (ordinal, number of requests) that gives them. Requests end evenly spread over it; those
            that would need more than 24 hours expire.
        retry_after: Seconds told in `retry-after` while a batch is under way.
        cancel_delay: Seconds from a cancel to the end of the batch; about 25 have been observed.
        errored_share: Share of requests that fail once by chance with `api_error` or
            `overloaded_error`; a request with the same parameters does not fail so again.
        expired_share: Share of requests that never get their turn; a batch that holds one ends
            after 24 hours.
        fail_once: Scripted failures of single requests.
        rules: Answers by pattern; the first that matches wins.
        web_searches: Searches reported for each request that brings the web_search tool, as far as
            the tool's `max_uses` allows.
        cache: How the prompt cache behaves for batches.
        usage_delay: Seconds until the Admin API's reports show what was used; about 5 minutes, as
            documented.
        workspaces: Workspace of each key that has one of its own.
        default_workspace: Workspace of all other keys.
        refused_keys: Keys that are answered with 401.
        strict: Whether unknown models, beta names and parameters are refused.
        faults: What goes wrong besides: by script, by chance, all the time.
    """

    seed: int | str = 0
    turnaround: float | Callable[[int, int], float] = 300.0
    retry_after: int = 10
    cancel_delay: float = 25.0
    errored_share: float = 0.0
    expired_share: float = 0.0
    fail_once: tuple[ItemFailure, ...] = ()
    rules: tuple[Rule, ...] = ()
    web_searches: int = 0
    cache: CachePlan = field(default_factory=CachePlan)
    usage_delay: float = 300.0
    workspaces: Mapping[str, str] = field(default_factory=dict)
    default_workspace: str = DEFAULT_WORKSPACE
    refused_keys: frozenset[str] = frozenset()
    strict: bool = True
    limits: Limits = field(default_factory=Limits)
    switches: Switches = field(default_factory=Switches)
    faults: FaultPlan = field(default_factory=FaultPlan)

    def turnaround_of(self, ordinal: int, count: int) -> float:
        """Seconds that the batch accepted as `ordinal` takes."""
        if callable(self.turnaround):
            return self.turnaround(ordinal, count)
        return self.turnaround


def load_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a TOML file (`[[rules]]` tables) or a JSON file (a list of objects).

    Raises:
        ValueError: An entry has an unknown key or a pattern that does not compile.
    """
    text = path.read_text(encoding="utf-8")
    data: Any = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    entries: list[dict[str, Any]] = data["rules"] if isinstance(data, dict) else data
    return tuple(_rule(entry) for entry in entries)


def _rule(entry: dict[str, Any]) -> Rule:
    unknown = entry.keys() - {"match", "answer", "kind", "searches", "slip"}
    if unknown or "match" not in entry:
        raise ValueError(f"A rule has match, answer, kind, searches and slip, not {sorted(entry)}.")
    try:
        re.compile(entry["match"])
    except re.error as error:
        raise ValueError(f"The pattern {entry['match']!r} does not compile: {error}.") from error
    return Rule(**entry)
