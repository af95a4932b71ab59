"""Which addresses a webhook may reach: public ones, and the networks that the operator allows.

A name is looked up once, what it leads to is checked, and that very address is connected to: a name that leads
elsewhere a moment later gains nothing.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

LOOK_UP_S = 5.0
TRANSLATED = ip_network("64:ff9b::/96")  # IPv4 addresses as networks of IPv6 alone see them
# Public by their number, as some versions of Python see it, and yet inside: what machines of a cloud ask for their
# own secrets, and what is set aside for a site or a translator.
INSIDE = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "fec0::/10", "64:ff9b:1::/48")))

Address = IPv4Address | IPv6Address


class Unreachable(Exception):
    """The address may not be reached, or cannot be found. The message says which."""


@dataclass(frozen=True, slots=True)
class Place:
    scheme: str
    host: str
    port: int


def split(url: str) -> Place:
    """Where a checked address leads."""
    parts = urlsplit(url)
    return Place(parts.scheme, parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80))


async def find(host: str, port: int, networks: Sequence[str], *, encrypted: bool) -> list[str]:
    """The addresses of a host that may be reached. Raises Unreachable when there is none.

    Without encryption only the operator's own networks will do.
    """
    try:
        async with asyncio.timeout(LOOK_UP_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        raise Unreachable(f"The address of {host} cannot be found.") from None
    addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
    allowed = [one for one in addresses if may_reach(one, networks, encrypted=encrypted)]
    if not allowed:
        if not encrypted and any(may_reach(one, networks, encrypted=True) for one in addresses):
            raise Unreachable(f"{host} may only be reached over https.")
        raise Unreachable(f"{host} is in a network that webhooks may not reach. FOLKMOOT_WEBHOOK_NETWORKS allows it.")
    return allowed


def may_reach(address: str, networks: Sequence[str], *, encrypted: bool) -> bool:
    """Whether the operator allows the address, or it is a public one."""
    if "%" in address:  # of one link alone
        return False
    meant = _meant(ip_address(address))
    if any(meant in ip_network(network) for network in networks):
        return True
    return encrypted and meant.is_global and not meant.is_multicast and not any(meant in one for one in INSIDE)


def _meant(address: Address) -> Address:
    """The IPv4 address that one of IPv6 stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or address
