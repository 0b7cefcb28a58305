"""Where a secret is, never what it is."""

from collections.abc import Sequence

from backburner.config.table import ConfigTable
from backburner.nouns.lane import (
    Credential,
    FromCommand,
    FromFile,
    FromKeyring,
    FromVariable,
)

_WAYS = ("env", "file", "command", "keyring")


def place_of(table: ConfigTable, key: str) -> Credential | None:
    """Where the secret of a key is; None where the table says nothing.

    Raises:
        ConfigError: It names no way, or more than one.
    """
    if key not in table.values:
        return None
    if isinstance(table.values[key], str):
        raise table.wrong(key, "a text", 'a place, such as { env = "NAME" }')
    chosen = table.table(key)
    chosen.only(_WAYS)
    if len(chosen.values) != 1:
        raise table.wrong(key, sorted(chosen.values), f"one of {', '.join(_WAYS)}")
    match next(iter(chosen.values)):
        case "env":
            return FromVariable(_one(chosen, "env"))
        case "file":
            return FromFile(_one(chosen, "file"))
        case "command":
            return FromCommand(_command(chosen))
        case _:
            service, _, user = _one(chosen, "keyring").rpartition("/")
            return FromKeyring(service or user, user if service else "")


def _one(chosen: ConfigTable, key: str) -> str:
    text = chosen.text(key)
    if not text.strip():
        raise chosen.wrong(key, text, "a name")
    return text


def _command(chosen: ConfigTable) -> tuple[str, ...]:
    """The words; only the first is ever shown, since the others may hold what nobody should see."""
    words: Sequence[str] = chosen.texts("command", is_secret=True)
    if not words or not words[0]:
        raise chosen.wrong("command", [], 'a list of words, such as ["pass", "show", "claude"]')
    return tuple(words)
