"""The configuration file: where it is, what it holds, and what must never stand in it."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from backburner.config.table import ConfigTable
from backburner.errors import ConfigError

CONFIG: Final = "BACKBURNER_CONFIG"
FILE_NAME: Final = "backburner.toml"

_OLD_NAME: Final = "config.toml"
_KEY: Final = "sk-ant-"
"""What Anthropic's keys begin with. Source: platform.claude.com api/overview, 2026-08-22."""


def config_path(environment: Mapping[str, str], home: Path) -> Path:
    """The file that is read: the variable's, else the one in the home.

    Raises:
        ConfigError: The variable names a file that is not there, or the home has one by the name
            that it had in earlier versions.
    """
    named = environment.get(CONFIG)
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise ConfigError(f"there is no file {path}", hint=f"{CONFIG} or --config names it")
        return path
    old = home / _OLD_NAME
    if os.access(old, os.F_OK):
        raise ConfigError(
            f"{old} is not read any more: the file is called {FILE_NAME} now",
            hint=f"mv {old} {home / FILE_NAME}",
        )
    return home / FILE_NAME


def read_file(file: Path, environment: Mapping[str, str]) -> ConfigTable:
    """A file's tables; an empty one where there is no file.

    Raises:
        ConfigError: It is no TOML, or holds a key of Anthropic's.
    """
    values = _toml(file)
    for path, text in _texts(values):
        if _KEY in text:
            raise ConfigError(
                f"{file}: {path} holds a key of Anthropic's, and a key does not belong in a file "
                "of settings",
                hint='name where it is: credential = { env = "NAME" }, { file = "PATH" } or '
                '{ command = ["pass", "show", "NAME"] }; and make a new key, since this one lay '
                "here",
            )
    return ConfigTable(file, values, environment)


def _toml(file: Path) -> dict[str, Any]:
    try:
        # As decimals: a price has to be exact.
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{file} cannot be read: {error}", hint="mend it, or remove it"
        ) from error


def _texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a file with its place, keys of tables included."""
    match value:
        case str():
            yield path, value
        case dict():
            for key, each in value.items():
                place = f"{path}.{key}" if path else str(key)
                yield path or "a key of a table", str(key)
                yield from _texts(each, place)
        case list():
            for number, each in enumerate(value, 1):
                yield from _texts(each, f"{path}[{number}]")
        case _:
            pass
