"""Where a request comes from. A header is believed only when a proxy that the operator trusts has set it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network


def client_address(peer: str, headers: Mapping[str, str], trusted: Sequence[str]) -> str:
    """The address of the client: the peer's own, or what a trusted proxy says in X-Real-IP."""
    claimed = headers.get("x-real-ip", "")
    if claimed and _is_trusted(peer, tuple(trusted)):
        try:
            return str(ip_address(claimed.strip()))
        except ValueError:
            return peer
    return peer


@lru_cache(maxsize=4096)
def place_of(address: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 that a household gets of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)


@lru_cache(maxsize=1024)
def _is_trusted(peer: str, trusted: tuple[str, ...]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in ip_network(network) for network in trusted)
