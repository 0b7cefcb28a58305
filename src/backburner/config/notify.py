"""`[notify.NAME]`: the channels that notices go to."""

from typing import Final

from backburner.config.addresses import holds_user, is_address
from backburner.config.places import place_of
from backburner.config.table import ConfigTable
from backburner.nouns.notice import Channel, Kind, Messenger, Webhook

_KEYS: Final = ("apprise", "webhook", "secret", "allow_private", "kinds", "lanes")


def channels_of(root: ConfigTable) -> tuple[Channel, ...]:
    """The channels that a file names.

    Raises:
        ConfigError: Something that it says of one cannot be.
    """
    return tuple(_channel(name, one) for name, one in root.table("notify").tables().items())


def _channel(name: str, one: ConfigTable) -> Channel:
    one.only(_KEYS)
    kinds = one.texts("kinds")
    for kind in kinds:
        if kind not in tuple(Kind):
            raise one.wrong("kinds", kind, f"one of {', '.join(Kind)}")
    return Channel(
        name=name,
        target=_target(one),
        kinds=tuple(map(Kind, kinds)),
        lanes=tuple(one.texts("lanes")),
    )


def _target(one: ConfigTable) -> Webhook | Messenger:
    address = place_of(one, "apprise")
    if (address is None) == ("webhook" not in one.values):
        raise one.wrong("webhook", one.values.get("webhook"), "an address, or apprise a place")
    if address is not None:
        for key in ("secret", "allow_private"):
            if key in one.values:
                raise one.wrong(key, "there", "for apprise: it belongs to a webhook")
        return Messenger(address)
    secret = place_of(one, "secret")
    if secret is None:
        raise one.wrong("secret", None, 'where the secret is, such as { env = "HOOK_SECRET" }')
    url = one.text("webhook")
    allow_private = one.flag("allow_private", usual=False)
    schemes = ("https", "http") if allow_private else ("https",)
    if not is_address(url, schemes):
        shown = "one with a user or password" if holds_user(url) else url
        raise one.wrong("webhook", shown, "an https:// address without a password")
    return Webhook(url, secret, allow_private)
