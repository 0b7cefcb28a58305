"""Reading a secret from where it is said to be. Nothing keeps, shows or logs it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from backburner.errors import ExtraMissing
from backburner.nouns.lane import Credential, FromCommand, FromFile, FromKeyring, FromVariable

_COMMAND_SECONDS: Final = 60.0
"""A password manager may ask a person first."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A secret that is not where it is said to be, and why in words."""

    why: str


def read_secret(environment: Mapping[str, str], place: Credential) -> str | Unread:
    """The secret at a place; it is never empty.

    Raises:
        ExtraMissing: It is in a keyring, and the extra for that is not installed.
    """
    found = _read(environment, place)
    if isinstance(found, Unread):
        return found
    return found.strip() or Unread("it is empty")


def _read(environment: Mapping[str, str], place: Credential) -> str | Unread:
    match place:
        case FromVariable(name):
            return environment.get(name) or Unread(f"the variable {name} is not set")
        case FromFile(path):
            return _first_line(path)
        case FromCommand(words):
            return _printed(words)
        case FromKeyring(service, user):
            return _from_keyring(service, user)


def _first_line(path: str) -> str | Unread:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").split("\n", 1)[0]
    except (OSError, UnicodeDecodeError):
        return Unread(f"the file {path} cannot be read")


def _printed(words: tuple[str, ...]) -> str | Unread:
    # Nothing that it prints is passed on: it may be the secret itself.
    try:
        done = subprocess.run(  # noqa: S603  # the user's own words, without a shell
            words, capture_output=True, timeout=_COMMAND_SECONDS, check=False, text=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return Unread(f"the command {words[0]} did not run")
    if done.returncode != 0:
        return Unread(f"the command {words[0]} ended with {done.returncode}")
    return done.stdout.split("\n", 1)[0]


def _from_keyring(service: str, user: str) -> str | Unread:
    try:
        keyring = import_module("keyring")
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            f"a secret is in a keyring, as {service}, and nothing here can open one",
            hint="pip install 'backburner[keyring]'",
        ) from error
    found: str | None = keyring.get_password(service, user)
    return found or Unread(f"the keyring has nothing for {service} and user {user!r}")
