"""An SDK client that takes nothing from the environment."""

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import anthropic

SdkClient: TypeAlias = "anthropic.Anthropic"
"""For those who pass one on and may not import the SDK."""


def sdk_client(api_key: str, base_url: str, transport: Any = None) -> SdkClient:
    """A client for this key and this address alone, whatever variables and proxies there are.

    Args:
        api_key: The key.
        base_url: The address.
        transport: What carries the calls, such as the emulator's; a plain connection if None.
    """
    import anthropic  # noqa: PLC0415  # seconds and 57 MB, so only when something is sent
    import httpx2  # noqa: PLC0415  # as above

    http = httpx2.Client(transport=transport, trust_env=False)
    return anthropic.Anthropic(
        api_key=api_key, base_url=base_url, http_client=http, open_telemetry={}
    )
