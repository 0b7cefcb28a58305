"""Whether notices can reach their channels, as far as that is seen without sending one."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Final

from backburner.nouns.lane import Credential, FromFile, FromVariable
from backburner.nouns.notice import Channel, Messenger, Webhook
from backburner.upstream.secrets import Unread, read_secret

_PARTS: Final[Mapping[type, str]] = {Messenger: "apprise", Webhook: "standardwebhooks"}


def channel_problems(
    channels: Sequence[Channel], environment: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What keeps notices from channels, and what to do about it."""
    for channel in channels:
        part = _PARTS[type(channel.target)]
        if find_spec(part) is None:
            yield f"{channel.name} needs {part}", "pip install 'backburner[notify]'"
        why = _unread(_place(channel), environment)
        if why is not None:
            yield (
                f"{channel.name} has no secret: {why}",
                f"mend [notify.{channel.name}] in backburner.toml, or what it points to",
            )


def _place(channel: Channel) -> Credential:
    match channel.target:
        case Messenger(address):
            return address
        case Webhook(secret=secret):
            return secret


def _unread(place: Credential, environment: Mapping[str, str]) -> str | None:
    """Why a secret is not there. No command is run: a password manager may ask a person."""
    if not isinstance(place, FromVariable | FromFile):
        return None
    found = read_secret(environment, place)
    return found.why if isinstance(found, Unread) else None
