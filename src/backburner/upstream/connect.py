"""From settings to an upstream: the only place where a credential is looked at."""

from collections.abc import Mapping
from typing import Final

from backburner.errors import KeyMissing
from backburner.upstream.api import Upstream

ANTHROPIC: Final = "https://api.anthropic.com"

_CREDENTIALS: Final = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_PROFILE",
    "ANTHROPIC_IDENTITY_TOKEN",
    "ANTHROPIC_IDENTITY_TOKEN_FILE",
)
"""What the SDK takes a credential from. Source: anthropic 2.12.0, README."""


def base_url_of(environment: Mapping[str, str]) -> str:
    """The address that the SDK would speak to."""
    return environment.get("ANTHROPIC_BASE_URL", ANTHROPIC).rstrip("/")


def connect(environment: Mapping[str, str], *, create_seconds: float) -> Upstream:
    """An upstream with the credential and address of the environment.

    Raises:
        KeyMissing: The environment has no credential.
    """
    if not any(environment.get(name) for name in _CREDENTIALS):
        raise KeyMissing(
            "there is no key for Anthropic's API",
            hint="set ANTHROPIC_API_KEY; nothing was sent, and what was enqueued is kept",
        )
    import anthropic  # noqa: PLC0415  # seconds and 57 MB, so only when something is sent

    client = anthropic.Anthropic(base_url=base_url_of(environment))
    return Upstream(client, create_seconds=create_seconds)
