"""What route rules did, in words."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from backburner.cli.words import many

if TYPE_CHECKING:
    from backburner.nouns.route import Taken

_URGENCIES: Final = {
    "now": "sync, at once",
    "soon": "the next batch",
    "window": "batch, in the window",
}


def route_facts(taken: Iterable["Taken"]) -> list[tuple[str, str]]:
    """What each rule took of a run; nothing where there are no rules."""
    return [(_label(one), taken_in_words(one)) for one in taken]


def _label(one: "Taken") -> str:
    return f"route {one.rule}" if one.rule else "no route"


def taken_in_words(one: "Taken") -> str:
    """What a rule took, and why: `120 requests → claude-sonnet-5 (kind is draft)`."""
    changed = [
        name if count == one.requests else f"{name} in {count:,}"
        for name, count in one.changed.items()
    ]
    why = f"{one.reason}; changes {', '.join(changed)}" if changed else one.reason
    return f"{many(one.requests, 'request')} → {given_in_words(one)} ({why})"


def given_in_words(one: "Taken") -> str:
    """What a rule gave."""
    given: Sequence[str] = (
        one.model,
        f"at most {many(one.max_tokens, 'token')}" if one.max_tokens else "",
        f"lane {one.lane}" if one.lane else "",
        _URGENCIES.get(one.urgency, one.urgency),
    )
    return ", ".join(filter(None, given)) or "as it was asked"


def routes_json(taken: Iterable["Taken"]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [taken_json(one) for one in taken]


def taken_json(one: "Taken") -> dict[str, Any]:
    """What a rule took, as JSON values."""
    return {
        "rule": one.rule or None,
        "reason": one.reason,
        "requests": one.requests,
        "model": one.model or None,
        "max_tokens": one.max_tokens or None,
        "lane": one.lane or None,
        "urgency": one.urgency or None,
        "changed": dict(one.changed),
    }
