"""Posting a notice: a signed webhook, or whatever apprise speaks."""

import logging
import socket
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from backburner.errors import ConfigError, ExtraMissing, NoticeUndelivered
from backburner.nouns.lane import Credential
from backburner.nouns.notice import Channel, Delivery, Messenger, Webhook
from backburner.plan.addresses import is_public
from backburner.upstream.secrets import Unread, read_secret

if TYPE_CHECKING:
    import httpx2

Post = Callable[[Channel, Delivery], None]
"""Brings a notice to a channel, or raises NoticeUndelivered or ConfigError."""

Resolve = Callable[[str, int], list[str]]
"""Gives the addresses of a host."""

_SECONDS: Final = 10.0
_HTTPS: Final = 443
_HTTP: Final = 80
_OK: Final = range(200, 300)


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _by_apprise(address: str, delivery: Delivery) -> None:
    """Send by apprise; it says itself nothing, since its log may quote the address."""
    try:
        import apprise  # noqa: PLC0415  # optional, and slow
    except ImportError as error:
        raise _missing(error) from error
    logging.getLogger("apprise").propagate = False
    messenger = apprise.Apprise()
    with warnings.catch_warnings():
        # Its plugins are imported here, and one of them still looks for a module that 3.13 dropped.
        warnings.simplefilter("ignore", DeprecationWarning)
        is_known = messenger.add(address)
    if not is_known:
        raise NoticeUndelivered("apprise knows no such address", hint="see docs/notices.md")
    text = f"{delivery.text}\n{delivery.id}"
    if not messenger.notify(title=delivery.subject, body=text):
        raise NoticeUndelivered("the service did not take it", hint="see docs/notices.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """Posts notices.

    Attributes:
        environment: Where variables are read that hold secrets.
        now: POSIX seconds: a signature names its time.
        transport: What carries webhooks; the network if None.
    """

    environment: Mapping[str, str]
    now: Callable[[], float]
    resolve: Resolve = addresses_of
    transport: "httpx2.BaseTransport | None" = None
    by_apprise: Callable[[str, Delivery], None] = field(default=_by_apprise)

    def __call__(self, channel: Channel, delivery: Delivery) -> None:
        """Bring a notice to a channel.

        Raises:
            NoticeUndelivered: It did not arrive.
            ConfigError: Its secret is not where it is said to be, or an extra is missing.
        """
        match channel.target:
            case Messenger(address):
                self.by_apprise(self._secret(address), delivery)
            case Webhook() as hook:
                self._post(hook, delivery)

    def _post(self, hook: Webhook, delivery: Delivery) -> None:
        import httpx2  # noqa: PLC0415  # slow to import, and not needed for --help

        url = httpx2.URL(hook.url)
        body = _body(delivery)
        headers = self._signed(hook, delivery, body) | {"Host": url.netloc.decode()}
        # The address that was checked is the one that is spoken to: a name may change in between.
        there = url.copy_with(host=self._address(hook, url))
        client = httpx2.Client(
            transport=self.transport, timeout=_SECONDS, follow_redirects=False, trust_env=False
        )
        with client:
            try:
                request = client.build_request("POST", there, content=body, headers=headers)
                request.extensions["sni_hostname"] = url.host
                # What it answers is not read: it may be anything, and of any size.
                answer = client.send(request, stream=True)
                answer.close()
            except httpx2.HTTPError as error:
                raise NoticeUndelivered(
                    f"{url.host} cannot be reached ({type(error).__name__})", hint=""
                ) from error
        if answer.status_code not in _OK:
            raise NoticeUndelivered(f"{url.host} answered {answer.status_code}")

    def _address(self, hook: Webhook, url: "httpx2.URL") -> str:
        port = url.port or (_HTTPS if url.scheme == "https" else _HTTP)
        try:
            found = self.resolve(url.host, port)
        except OSError as error:
            raise NoticeUndelivered(f"{url.host} has no address") from error
        private = [one for one in found if not is_public(one)]
        if not found or (private and not hook.allow_private):
            raise NoticeUndelivered(
                f"{url.host} is inside a private network",
                hint="allow_private = true lets notices go there",
            )
        return found[0]

    def _secret(self, place: Credential) -> str:
        found = read_secret(self.environment, place)
        if isinstance(found, Unread):
            raise ConfigError(
                f"there is no secret for it: {found.why}",
                hint="[notify] in backburner.toml says where secrets are",
            )
        return found

    def _signed(self, hook: Webhook, delivery: Delivery, body: bytes) -> dict[str, str]:
        try:
            from standardwebhooks.webhooks import (  # noqa: PLC0415  # optional
                EmptyWebhookSecretError,
            )
            from standardwebhooks.webhooks import Webhook as Signer  # noqa: PLC0415  # as above
        except ImportError as error:
            raise _missing(error) from error
        at = datetime.fromtimestamp(self.now(), UTC)
        try:
            signer = Signer(self._secret(hook.secret))
        except (ValueError, EmptyWebhookSecretError) as error:
            raise ConfigError(
                "the secret of a webhook is none: whsec_ and base64 are expected",
                hint="openssl rand -base64 32 makes one",
            ) from error
        return {
            "Content-Type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signer.sign(delivery.id, at, body.decode()),
        }


def _body(delivery: Delivery) -> bytes:
    told: dict[str, Any] = {
        "type": delivery.kind,
        "timestamp": datetime.fromtimestamp(delivery.created_at, UTC).isoformat(),
        "data": {"subject": delivery.subject, "text": delivery.text, **delivery.facts},
    }
    return msgspec.json.encode(told)


def _missing(error: ImportError) -> ExtraMissing:
    return ExtraMissing(
        f"notices need {error.name}, which is not installed",
        hint="pip install 'backburner[notify]'",
    )
