"""`[[routes]]`: rules that give requests their model, lane and urgency; the first that matches."""

import re
from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from typing import Any, Final

from backburner.config.lanes import lane_book
from backburner.config.table import ConfigTable
from backburner.errors import ConfigError
from backburner.nouns.budget import is_word
from backburner.nouns.route import Give, Rule, When
from backburner.nouns.spans import is_span
from backburner.nouns.urgency import Urgency
from backburner.plan.routing import never_matched

_DEFAULT_LANE: Final = "default"
_WORDS: Final = ("kind", "tags", "lane", "owner", "model")
_SIZES: Final = ("min_input_bytes", "max_input_bytes", "min_input_tokens", "max_input_tokens")
_TIMES: Final = ("urgency", "within", "by")
_GIVE: Final = ("model", "max_tokens", "lane", *_TIMES)
_URGENCIES: Final = (Urgency.NOW, Urgency.SOON, Urgency.WINDOW)
_MODEL: Final = re.compile(r"[A-Za-z0-9.*:@_/-]+")
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]")


def route_rules(root: ConfigTable) -> tuple[Rule, ...]:
    """The rules of a file, in their order.

    Raises:
        ConfigError: A key or value that there is not, or a rule that can never match.
    """
    lanes = (_DEFAULT_LANE, *lane_book(root))
    rules = tuple(_rule(table, lanes) for table in root.rows("routes"))
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"{root.file}: there are two routes of the name {name!r}",
                hint="status and receipts tell the name: give each its own",
            )
    for rule, earlier in never_matched(rules):
        raise ConfigError(
            f"{root.file}: the route {rule.name!r} can never match, since {earlier.name!r} before "
            "it takes all that it could",
            hint=f"put {rule.name!r} first, or remove it",
        )
    return rules


def _rule(table: ConfigTable, lanes: Collection[str]) -> Rule:
    table.only(("name", "when", "give"))
    name = table.text("name")
    if not is_word(name):
        raise table.wrong("name", name, "a word, such as drafts: status and receipts tell it")
    return Rule(name=name, when=_when(table.table("when")), give=_give(table.table("give"), lanes))


def _when(table: ConfigTable) -> When:
    table.only((*_WORDS, *_SIZES))
    sizes: dict[str, Any] = {key: table.count(key, least=0) for key in _SIZES}
    for unit in ("bytes", "tokens"):
        least, most = f"min_input_{unit}", f"max_input_{unit}"
        if None not in (sizes[least], sizes[most]) and sizes[least] > sizes[most]:
            raise table.wrong(least, sizes[least], f"at most {most}, which is {sizes[most]}")
    return When(
        kinds=_words(table, "kind", is_word),
        tags=_words(table, "tags", is_word),
        lanes=_words(table, "lane", is_word),
        owners=_words(table, "owner", is_word),
        models=_words(table, "model", _is_pattern),
        **sizes,
    )


def _give(table: ConfigTable, lanes: Collection[str]) -> Give:
    table.only(_GIVE)
    if not table.values:
        raise ConfigError(
            f"{table.file}: {table.path} is empty, so the rule would do nothing",
            hint='add give = { urgency = "window" }, or whatever it is to change',
        )
    timed = [key for key in _TIMES if key in table.values]
    if len(timed) > 1:
        raise ConfigError(
            f"{table.file}: {table.path} has {timed[0]} and {timed[1]}",
            hint="each says when it travels: leave one of them out",
        )
    urgency = _value(table, "urgency", lambda one: one in _URGENCIES, " or ".join(_URGENCIES))
    return Give(
        model=_value(table, "model", _is_model, "the name of a model"),
        max_tokens=table.count("max_tokens"),
        lane=_lane(table, lanes),
        urgency=None if urgency is None else Urgency(urgency),
        within=_value(table, "within", is_span, "a span of time, such as 6h"),
        by=_value(table, "by", _is_time, "a local time, such as 07:00"),
    )


def _lane(table: ConfigTable, lanes: Collection[str]) -> str | None:
    name = _value(table, "lane", is_word, "the name of a lane")
    if name is None or name in lanes:
        return name
    close = get_close_matches(name, lanes, n=1)
    raise ConfigError(
        f"{table.file}: {table.path} gives the lane {name!r}, which the file does not have",
        hint=f"did you mean {close[0]}?" if close else f"add [lanes.{name}]",
    )


def _words(table: ConfigTable, key: str, is_right: Callable[[str], bool]) -> frozenset[str]:
    """One word, or a list of them; none where the key is not there."""
    value = table.values.get(key)
    table.note(key, value)
    if value is None:
        return frozenset()
    words: Sequence[object] = [value] if isinstance(value, str) else value
    is_list = isinstance(words, list) and bool(words)
    if not is_list or not all(isinstance(one, str) and is_right(one) for one in words):
        raise table.wrong(key, value, "a word, or a list of words of which any will do")
    return frozenset(map(str, words))


def _value(
    table: ConfigTable, key: str, is_right: Callable[[str], bool], wanted: str
) -> str | None:
    value = table.values.get(key)
    table.note(key, value)
    if value is not None and not (isinstance(value, str) and is_right(value)):
        raise table.wrong(key, value, wanted)
    return value


def _is_pattern(value: str) -> bool:
    return _MODEL.fullmatch(value) is not None


def _is_model(value: str) -> bool:
    return _is_pattern(value) and "*" not in value


def _is_time(value: str) -> bool:
    return _TIME.fullmatch(value) is not None
