"""A network of a test's own: a namespace behind a cable, where packets can be lost."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from itertools import count
from random import Random

from tests.fault.machine.tools import MachineForbids, need, run

CLONE_NEWNET = 0x4000_0000
FOR_TESTS_OF_NETWORKS = ip_network("198.18.0.0/15")  # RFC 2544: nobody's real address
_numbers = count()


class Namespace:
    """A network of its own behind a cable. It has several addresses, so that each can have its own fault."""

    def __init__(self, name: str, subnet: str) -> None:
        self.name = name
        self.cable = f"{name}a"
        self.address = f"{subnet}.1"  # our end
        self.addresses = [f"{subnet}.{number}" for number in range(2, 6)]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets that are made in the block belong to the namespace, for as long as they live."""
        libc = ctypes.CDLL(None, use_errno=True)
        outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        inside = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            _enter(libc, inside)
            yield
        finally:
            _enter(libc, outside)
            os.close(inside)
            os.close(outside)

    def deafen(self, address: str) -> None:
        """Nothing that is sent to this address arrives; nobody is told."""
        self._inside("iptables", "-A", "INPUT", "-d", address, "-j", "DROP")

    def silence(self, address: str) -> None:
        """Nothing that this address sends arrives."""
        self._inside("iptables", "-A", "OUTPUT", "-s", address, "-j", "DROP")

    def lose(self, share: float) -> None:
        """Loses packets by chance, each way."""
        for chain in ("INPUT", "OUTPUT"):
            chance = ("-m", "statistic", "--mode", "random", "--probability", str(share))
            self._inside("iptables", "-A", chain, *chance, "-j", "DROP")

    def narrow(self, rate: str) -> None:
        """Lets no more than this through, each way."""
        shape = ("root", "tbf", "rate", rate, "burst", "16kb", "latency", "400ms")
        run("tc", "qdisc", "add", "dev", self.cable, *shape)
        self._inside("tc", "qdisc", "add", "dev", "inside", *shape)

    def heal(self) -> None:
        self._inside("iptables", "-F")

    def _inside(self, *command: str) -> None:
        run("ip", "netns", "exec", self.name, *command)


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise MachineForbids(f"setns: {os.strerror(ctypes.get_errno())}")


@contextmanager
def namespace() -> Iterator[Namespace]:
    need("ip", "iptables", "tc")
    made = Namespace(f"fm{os.getpid()}x{next(_numbers)}", _free_subnet())
    run("ip", "netns", "add", made.name)
    try:
        run("ip", "link", "add", made.cable, "type", "veth", "peer", "name", "inside", "netns", made.name)
        run("ip", "addr", "add", f"{made.address}/24", "dev", made.cable)
        run("ip", "link", "set", made.cable, "up")
        for address in made.addresses:
            run("ip", "-n", made.name, "addr", "add", f"{address}/24", "dev", "inside")
        for device in ("lo", "inside"):
            run("ip", "-n", made.name, "link", "set", device, "up")
        yield made
    finally:
        # The namespace may outlive its name while sockets in it end; the cable must be gone at once.
        run("ip", "link", "del", made.cable, fine=(0, 1))
        run("ip", "netns", "del", made.name)


def _free_subnet() -> str:
    """The first three numbers of a network that nobody uses here."""
    taken = run("ip", "-o", "-4", "addr")
    subnets = [
        str(subnet.network_address).rpartition(".")[0] for subnet in FOR_TESTS_OF_NETWORKS.subnets(new_prefix=24)
    ]
    Random(os.getpid()).shuffle(subnets)  # noqa: S311 - chance, not secrecy
    return next(subnet for subnet in subnets if f" {subnet}." not in taken)
