"""`[lanes.NAME]`: a lane's credential, windows, limits and defaults."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from backburner.config.addresses import holds_user, is_address
from backburner.config.places import place_of
from backburner.config.table import ConfigTable
from backburner.config.windows import windows_of
from backburner.config.zone import LOCALTIME, checked_zone, zone_of
from backburner.errors import ConfigError, InputError, ZoneNeeded
from backburner.nouns.budget import BudgetMode, amount_of, is_word
from backburner.nouns.lane import LaneDefaults, LaneTerms
from backburner.plan.caching.choices import CachePolicy

_DEFAULTS: Final = ("model", "max_tokens", "cache", "tags", "owner", "budget_mode")
_KEYS: Final = (
    "credential",
    "workspace",
    "base_url",
    "windows",
    "zone",
    "queue_limit",
    "budget",
    *_DEFAULTS,
)


def lane_book(root: ConfigTable, localtime: Path = LOCALTIME) -> dict[str, LaneTerms]:
    """The lanes that a file names.

    Raises:
        ConfigError: Something that it says of one cannot be.
    """
    zone = zone_of(root, localtime)
    lanes = root.table("lanes").tables()
    for name, one in lanes.items():
        if not is_word(name):
            raise ConfigError(
                f"{one.file}: {name!r} is no name of a lane",
                hint="name it by one word of letters, digits and . _ - @ +, such as nightly",
            )
    return {name: _lane(name, one, zone) for name, one in lanes.items()}


def terms_of(name: str, book: Mapping[str, LaneTerms], zone: str | None) -> LaneTerms:
    """What holds for a lane, whether the file names it or not.

    Raises:
        InputError: It is no word, so there can be no such lane.
    """
    if not is_word(name):
        raise InputError(
            f"{name!r} is no name of a lane: one word of letters, digits and . _ - @ +",
            hint="give one such as nightly",
        )
    return book.get(name) or LaneTerms(name=name, zone=zone)


def _lane(name: str, one: ConfigTable, zone: str | None) -> LaneTerms:
    one.only(_KEYS)
    windows = windows_of(one)
    named = one.text("zone", zone or "")
    if windows and not named:
        raise ZoneNeeded(
            f"{one.file}: {one.path} has windows, and nothing says in which zone they are",
            hint='add zone = "Europe/Berlin" to it, or set TZ',
        )
    return LaneTerms(
        name=name,
        file=str(one.file),
        windows=windows,
        zone=checked_zone(one, "zone", named) if named else None,
        queue_limit=one.count("queue_limit"),
        credential=place_of(one, "credential"),
        workspace=one.text("workspace") or None,
        base_url=_address(one),
        budget=_budget(one),
        defaults=_defaults(one),
    )


def _address(one: ConfigTable) -> str | None:
    text = one.text("base_url").rstrip("/")
    if text and not is_address(text):
        shown = "one with a user or password" if holds_user(text) else text
        raise one.wrong("base_url", shown, "an address such as https://api.anthropic.com")
    return text or None


def _budget(one: ConfigTable) -> int | None:
    value = one.values.get("budget")
    one.note("budget", value)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise one.wrong("budget", value, 'US dollars, such as "25.00"')
    try:
        return amount_of(str(value))
    except InputError as error:
        raise one.wrong("budget", value, 'US dollars, such as "25.00"') from error


def _defaults(one: ConfigTable) -> LaneDefaults:
    tags = one.texts("tags")
    owner = one.text("owner")
    for key, words in (("tags", tags), ("owner", [owner] if owner else [])):
        if not all(is_word(word) for word in words):
            raise one.wrong(key, one.values[key], "one word of letters, digits and . _ - @ + each")
    return LaneDefaults(
        model=one.text("model") or None,
        max_tokens=one.count("max_tokens"),
        cache=_one_of(one, "cache", tuple(CachePolicy)),
        tags=tuple(tags),
        owner=owner,
        budget_mode=_one_of(one, "budget_mode", tuple(BudgetMode)),
    )


def _one_of(one: ConfigTable, key: str, allowed: tuple[str, ...]) -> str | None:
    if key not in one.values:
        one.note(key, None)
        return None
    return one.one_of(key, "", allowed)
