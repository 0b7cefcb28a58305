"""From where a lane's credential is to an environment with it: nothing keeps or shows it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from backburner.errors import KeyMissing
from backburner.nouns.lane import (
    FromCommand,
    FromFile,
    FromKeyring,
    FromVariable,
    LaneTerms,
)
from backburner.upstream.connect import BASE_URL, CREDENTIALS, has_credential, no_credential
from backburner.upstream.secrets import Unread, read_secret

_KEY: Final = "ANTHROPIC_API_KEY"


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
    if terms.credential is None:
        return no_credential()
    return _missing(terms.name, what_lacks(terms))


def what_lacks(terms: LaneTerms) -> str:
    """What is not there where a credential is missing."""
    match terms.credential:
        case FromFile(path):
            return f"there is no file {path}"
        case FromVariable(name):
            return f"the variable {name} is not set"
        case _:
            return f"the variable {_KEY} is not set"


def with_credential(environment: Mapping[str, str], terms: LaneTerms) -> Mapping[str, str]:
    """The environment with the lane's credential and address, and no other credential.

    Raises:
        KeyMissing: There is none where the lane's is said to be.
        ExtraMissing: It is in a keyring, and the extra for that is not installed.
    """
    there = addressed(environment, terms)
    if terms.credential is None:
        return there
    text = read_secret(environment, terms.credential)
    if isinstance(text, Unread):
        raise _missing(terms.name, text.why)
    named = terms.credential.name if isinstance(terms.credential, FromVariable) else _KEY
    plain = {name: value for name, value in there.items() if name not in CREDENTIALS}
    return {**plain, named if named in CREDENTIALS else _KEY: text}


def _missing(lane: str, why: str) -> KeyMissing:
    return KeyMissing(
        f"there is no key for lane {lane!r}: {why}",
        hint=f"[lanes.{lane}] in backburner.toml says where it is; nothing was sent, and what was "
        "enqueued is kept",
    )
