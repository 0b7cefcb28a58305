"""Which addresses a notice may be posted to: those that anybody on the internet could reach."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""Each of these stands for the IPv4 address in its last four bytes. Source: RFC 6052."""


def is_public(text: str) -> bool:
    """Whether an address is neither private, loopback, link-local, shared, reserved nor multicast.

    One of IPv6 that stands for one of IPv4 is what that is.
    """
    address = ip_address(text.partition("%")[0])
    inner = _inner(address)
    if inner is not None:
        return is_public(str(inner))
    return address.is_global and not address.is_multicast


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The address of IPv4 within one of IPv6."""
    if isinstance(address, IPv4Address):
        return None
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour
