"""Routing: which rule takes a request, and what that changes in its body. The first one wins."""

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase

import msgspec

from backburner.nouns.route import UNROUTED, Asked, Extent, Give, Route, Rule, When

_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def route(rules: Sequence[Rule], asked: Asked) -> Route:
    """What the first rule that matches gives; `UNROUTED` where none does."""
    for rule in rules:
        reasons = _reasons(rule.when, asked)
        if reasons is not None:
            reason = ", ".join(reasons) or "the rule takes all that is left"
            return Route(rule=rule.name, reason=reason, give=rule.give)
    return UNROUTED


def looks_at_size(rules: Sequence[Rule]) -> bool:
    """Whether a rule asks how large an input is."""
    return any(_bounds(rule.when) != (None,) * 4 for rule in rules)


def looks_at_tokens(rules: Sequence[Rule]) -> bool:
    """Whether a rule asks how many tokens an input has, which takes time to find."""
    return any(_bounds(rule.when)[2:] != (None, None) for rule in rules)


def reroute(params: bytes, give: Give) -> tuple[bytes, tuple[str, ...]]:
    """A body with what a rule gives, and which parameters that changed.

    All others keep their bytes and their place; a body that has it already is not touched.

    Args:
        params: The body, a JSON object.
        give: What the rule gives.
    """
    wanted = {"model": give.model, "max_tokens": give.max_tokens}
    chosen = {name: value for name, value in wanted.items() if value is not None}
    if not chosen:
        return params, ()
    parts = _parts(params)
    changed = tuple(
        name
        for name, value in chosen.items()
        if name not in parts or msgspec.json.decode(parts[name]) != value
    )
    for name in changed:
        parts[name] = msgspec.Raw(msgspec.json.encode(chosen[name]))
    return (msgspec.json.encode(parts) if changed else params), changed


def rerouted(give: Give, *, model: str, max_tokens: int) -> tuple[str, ...]:
    """Which parameters a rule changes in a table's requests, which all have the same.

    What was not asked for at all is given, and not changed.
    """
    pairs = (("model", give.model, model), ("max_tokens", give.max_tokens, max_tokens))
    return tuple(name for name, given, asked in pairs if given and asked and given != asked)


def never_matched(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Each rule that can never match, with an earlier one that takes all it could."""
    for place, rule in enumerate(rules):
        for earlier in rules[:place]:
            if _covers(earlier.when, rule.when):
                yield rule, earlier
                break


def _reasons(when: When, asked: Asked) -> list[str] | None:
    """Why a rule matches, in words; None where it does not."""
    checks: tuple[tuple[bool, Callable[[], str | None]], ...] = (
        (bool(when.kinds), lambda: _word("kind", asked.kind, when.kinds)),
        (bool(when.tags), lambda: _tag(asked.tags, when.tags)),
        (bool(when.lanes), lambda: _word("lane", asked.lane, when.lanes)),
        (bool(when.owners), lambda: _word("owner", asked.owner, when.owners)),
        (bool(when.models), lambda: _model(asked.model, when.models)),
        (
            _bounds(when)[:2] != (None, None),
            lambda: _size("bytes", asked.input_bytes, when.min_input_bytes, when.max_input_bytes),
        ),
        (
            _bounds(when)[2:] != (None, None),
            lambda: _size(
                "tokens", asked.input_tokens, when.min_input_tokens, when.max_input_tokens
            ),
        ),
    )
    reasons = []
    for is_asked, reason in checks:
        if not is_asked:
            continue
        words = reason()
        if words is None:
            return None
        reasons.append(words)
    return reasons


def _word(what: str, word: str, words: frozenset[str]) -> str | None:
    return f"{what} is {word}" if word in words else None


def _tag(tags: frozenset[str], wanted: frozenset[str]) -> str | None:
    both = sorted(tags & wanted)
    return f"tag is {' and '.join(both)}" if both else None


def _model(model: str, patterns: frozenset[str]) -> str | None:
    is_one = any(fnmatchcase(model, pattern) for pattern in patterns)
    return f"asked for {model or 'no model'}" if is_one else None


def _size(unit: str, extent: Extent | None, least: int | None, most: int | None) -> str | None:
    if extent is None:
        return None
    if (least is not None and extent.least < least) or (most is not None and extent.most > most):
        return None
    limits = [f"at least {least:,}"] if least is not None else []
    limits += [f"at most {most:,}"] if most is not None else []
    return f"{' and '.join(limits)} {unit} of input"


def _bounds(when: When) -> tuple[int | None, ...]:
    return (
        when.min_input_bytes,
        when.max_input_bytes,
        when.min_input_tokens,
        when.max_input_tokens,
    )


def _covers(wide: When, narrow: When) -> bool:
    """Whether all that `narrow` can match is matched by `wide`."""
    return (
        _has_all(wide.kinds, narrow.kinds)
        and _has_all(wide.tags, narrow.tags)
        and _has_all(wide.lanes, narrow.lanes)
        and _has_all(wide.owners, narrow.owners)
        and _has_models(wide.models, narrow.models)
        and _is_from(wide.min_input_bytes, narrow.min_input_bytes)
        and _is_until(wide.max_input_bytes, narrow.max_input_bytes)
        and _is_from(wide.min_input_tokens, narrow.min_input_tokens)
        and _is_until(wide.max_input_tokens, narrow.max_input_tokens)
    )


def _has_all(wide: frozenset[str], narrow: frozenset[str]) -> bool:
    return not wide or (bool(narrow) and narrow <= wide)


def _has_models(wide: frozenset[str], narrow: frozenset[str]) -> bool:
    if not wide:
        return True
    # A star in the narrow pattern is matched by one in the wide pattern alone.
    return bool(narrow) and all(any(fnmatchcase(one, other) for other in wide) for one in narrow)


def _is_from(wide: int | None, narrow: int | None) -> bool:
    return wide is None or (narrow is not None and wide <= narrow)


def _is_until(wide: int | None, narrow: int | None) -> bool:
    return wide is None or (narrow is not None and wide >= narrow)
