"""From settings to an upstream: the only place where a credential is looked at."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from backburner.config.addresses import holds_user
from backburner.errors import ConfigError, KeyMissing
from backburner.upstream.api import Upstream

if TYPE_CHECKING:
    import anthropic

ANTHROPIC: Final = "https://api.anthropic.com"
BASE_URL: Final = "ANTHROPIC_BASE_URL"

CREDENTIALS: Final = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_PROFILE",
    "ANTHROPIC_IDENTITY_TOKEN",
    "ANTHROPIC_IDENTITY_TOKEN_FILE",
)
"""What the SDK takes a credential from. Source: anthropic 2.12.0, README."""


def base_url_of(environment: Mapping[str, str]) -> str:
    """The address that the SDK would speak to.

    Raises:
        ConfigError: It holds a password.
    """
    return checked_address(environment.get(BASE_URL) or ANTHROPIC, BASE_URL)


def checked_address(address: str, origin: str) -> str:
    """An address that may be shown and kept.

    Args:
        address: The address.
        origin: What to call it where it may not.

    Raises:
        ConfigError: It holds a password.
    """
    if holds_user(address):
        raise ConfigError(
            f"{origin} holds a user or a password, and addresses are kept and shown",
            hint="leave them out: what proves who you are belongs into ANTHROPIC_API_KEY or "
            "ANTHROPIC_AUTH_TOKEN",
        )
    return address.rstrip("/")


def has_credential(environment: Mapping[str, str]) -> bool:
    """Whether the environment names anything that the SDK takes a credential from."""
    return any(environment.get(name) for name in CREDENTIALS)


def require_credential(environment: Mapping[str, str]) -> None:
    """Make sure that there is a credential, without looking at it.

    Raises:
        KeyMissing: The environment has none.
    """
    if not has_credential(environment):
        raise no_credential()


def no_credential() -> KeyMissing:
    """The error that says so."""
    return KeyMissing(
        "there is no key for Anthropic's API",
        hint="set ANTHROPIC_API_KEY; nothing was sent, and what was enqueued is kept",
    )


def connect(environment: Mapping[str, str], *, create_seconds: float) -> Upstream:
    """An upstream with the credential and address of the environment.

    Raises:
        KeyMissing: The environment has no credential.
    """
    return Upstream(client_from(environment), create_seconds=create_seconds)


def client_from(environment: Mapping[str, str]) -> "anthropic.Anthropic":
    """The SDK's client with the credential and address of the environment.

    Raises:
        KeyMissing: The environment has no credential.
    """
    require_credential(environment)
    import anthropic  # noqa: PLC0415  # seconds and 57 MB, so only when something is sent

    key = environment.get("ANTHROPIC_API_KEY") or None
    return anthropic.Anthropic(
        api_key=key,
        # As in the SDK, a key goes before a token, and both go before a profile.
        auth_token=None if key else environment.get("ANTHROPIC_AUTH_TOKEN") or None,
        base_url=base_url_of(environment),
    )
