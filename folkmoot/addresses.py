"""Where a request comes from. A header is believed only when a proxy that the operator trusts has set it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network


def client_address(peer: str, headers: Mapping[str, str], trusted: Sequence[str]) -> str:
    """The address of the client: the peer's own, or what a trusted proxy says in X-Real-IP."""
    claimed = headers.get("x-real-ip", "")
    if claimed and _is_trusted(peer, tuple(trusted)):
        try:
            return str(ip_address(claimed.strip()))
        except ValueError:
            return peer
    return peer


@lru_cache(maxsize=1024)
def _is_trusted(peer: str, trusted: tuple[str, ...]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in ip_network(network) for network in trusted)
