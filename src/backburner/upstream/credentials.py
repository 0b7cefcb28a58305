"""From where a lane's credential is to an environment with it: nothing keeps or shows it."""

import subprocess
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from backburner.errors import ExtraMissing, KeyMissing
from backburner.nouns.lane import (
    Credential,
    FromCommand,
    FromFile,
    FromKeyring,
    FromVariable,
    LaneTerms,
)
from backburner.upstream.connect import BASE_URL, CREDENTIALS, has_credential, no_credential

_KEY: Final = "ANTHROPIC_API_KEY"
_COMMAND_SECONDS: Final = 60.0
"""A password manager may ask a person first."""


def addressed(environment: Mapping[str, str], terms: LaneTerms) -> Mapping[str, str]:
    """The environment with the lane's own address, where it has one."""
    return environment if terms.base_url is None else {**environment, BASE_URL: terms.base_url}


def names_credential(environment: Mapping[str, str], terms: LaneTerms) -> bool:
    """Whether there is somewhere to take a credential from; it is not looked at."""
    match terms.credential:
        case None:
            return has_credential(environment)
        case FromVariable(name):
            return bool(environment.get(name))
        case FromFile(path):
            return Path(path).expanduser().is_file()
        case FromCommand() | FromKeyring():
            return True


def missing_credential(terms: LaneTerms) -> KeyMissing:
    """The error that says where a credential is missing."""
    match terms.credential:
        case FromVariable(name):
            return _missing(terms.name, f"the variable {name} is not set")
        case FromFile(path):
            return _missing(terms.name, f"there is no file {path}")
        case _:
            return no_credential()


def with_credential(environment: Mapping[str, str], terms: LaneTerms) -> Mapping[str, str]:
    """The environment with the lane's credential and address, and no other credential.

    Raises:
        KeyMissing: There is none where the lane's is said to be.
        ExtraMissing: It is in a keyring, and the extra for that is not installed.
    """
    there = addressed(environment, terms)
    if terms.credential is None:
        return there
    text = _resolve(environment, terms.name, terms.credential).strip()
    if not text:
        raise _missing(terms.name, "it is empty")
    named = terms.credential.name if isinstance(terms.credential, FromVariable) else _KEY
    plain = {name: value for name, value in there.items() if name not in CREDENTIALS}
    return {**plain, named if named in CREDENTIALS else _KEY: text}


def _resolve(environment: Mapping[str, str], lane: str, credential: Credential) -> str:
    match credential:
        case FromVariable(name):
            if not environment.get(name):
                raise _missing(lane, f"the variable {name} is not set")
            return environment[name]
        case FromFile(path):
            return _first_line(lane, path)
        case FromCommand(words):
            return _printed(lane, words)
        case FromKeyring(service, user):
            return _from_keyring(lane, service, user)


def _first_line(lane: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").split("\n", 1)[0]
    except (OSError, UnicodeDecodeError) as error:
        raise _missing(lane, f"the file {path} cannot be read") from error


def _printed(lane: str, words: tuple[str, ...]) -> str:
    # Nothing that it prints is passed on: it may be the credential itself.
    try:
        done = subprocess.run(  # noqa: S603  # the user's own words, without a shell
            words, capture_output=True, timeout=_COMMAND_SECONDS, check=False, text=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
        raise _missing(lane, f"the command {words[0]} did not run") from error
    if done.returncode != 0:
        raise _missing(lane, f"the command {words[0]} ended with {done.returncode}")
    return done.stdout.split("\n", 1)[0]


def _from_keyring(lane: str, service: str, user: str) -> str:
    try:
        keyring = import_module("keyring")
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            f"the credential of lane {lane!r} is in a keyring, and nothing here can open one",
            hint="pip install 'backburner[keyring]'",
        ) from error
    found: str | None = keyring.get_password(service, user)
    if found is None:
        raise _missing(lane, f"the keyring has nothing for {service} and user {user!r}")
    return found


def _missing(lane: str, why: str) -> KeyMissing:
    return KeyMissing(
        f"there is no key for lane {lane!r}: {why}",
        hint=f"[lanes.{lane}] in backburner.toml says where it is; nothing was sent, and what was "
        "enqueued is kept",
    )
