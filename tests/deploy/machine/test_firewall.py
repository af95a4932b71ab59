"""What comes in through the firewall, tried: a server, a container on it with published ports, and somebody outside.

They are network namespaces of the test's own.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from jinja2 import Environment, StrictUndefined

from tests.fault.machine.tools import need

RULES = Path(__file__).parents[3] / "deploy/server/roles/folkmoot/templates/firewall.nft.j2"
SERVER, CONTAINER, OUTSIDE = "10.9.1.1", "10.9.2.2", "10.9.1.2"
SILENCE_S = 0.7

# As Docker does it: 80 is published on purpose, 5432 by mistake.
PUBLISHED = f"""
table ip published {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        ip daddr {SERVER} tcp dport 80 dnat to {CONTAINER}:8080
        ip daddr {SERVER} tcp dport 5432 dnat to {CONTAINER}:5432
    }}
}}
"""
LISTEN = """
import socket, sys, time
doors = [socket.create_server(("", int(port))) for port in sys.argv[1:]]
print("open", flush=True)
time.sleep(600)
"""
KNOCK = f"""
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), {SILENCE_S}).close()
    print("open")
except ConnectionRefusedError:
    print("refused")
except TimeoutError:
    print("silent")
"""

# Its last word is acknowledged when none of its bytes is on the way any more: `tcpi_unacked`.
STAY = f"""
import socket, struct, time
line = socket.create_connection(("{SERVER}", 9999))
print("in", flush=True)
input()
line.sendall(b"still here")
until = time.monotonic() + 10
while struct.unpack_from("I", line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)[0]:
    if time.monotonic() > until:
        raise SystemExit("silent")
    time.sleep(0.01)
print("acknowledged")
"""


def run(*command: str, given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout.strip()


@dataclass(frozen=True)
class Machines:
    name: str

    def on(self, machine: str, *command: str, given: str = "") -> str:
        return run("ip", "netns", "exec", f"{self.name}-{machine}", *command, given=given)

    def knock(self, machine: str, address: str, port: int) -> str:
        return self.on(machine, sys.executable, "-ISc", KNOCK, address, str(port))

    def listen(self, machine: str, *ports: int) -> "subprocess.Popen[str]":
        command = ["ip", "netns", "exec", f"{self.name}-{machine}", sys.executable, "-ISc", LISTEN, *map(str, ports)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        return process

    def wire(self) -> None:
        """outside -- server -- (bridge) -- container"""
        server, container, outside = (f"{self.name}-{each}" for each in ("server", "container", "outside"))
        for name in (server, container, outside):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", server, "link", "add", "br-test", "type", "bridge")
        run("ip", "-n", server, "addr", "add", "10.9.2.1/24", "dev", "br-test")
        run("ip", "-n", server, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", outside)
        run("ip", "-n", server, "link", "add", "port", "type", "veth", "peer", "name", "eth0", "netns", container)
        run("ip", "-n", server, "link", "set", "port", "master", "br-test")
        run("ip", "-n", server, "addr", "add", f"{SERVER}/24", "dev", "eth0")
        run("ip", "-n", outside, "addr", "add", f"{OUTSIDE}/24", "dev", "eth0")
        run("ip", "-n", container, "addr", "add", f"{CONTAINER}/24", "dev", "eth0")
        for name, device in (
            (server, "br-test"), (server, "eth0"), (server, "port"), (outside, "eth0"), (container, "eth0"),
        ):  # fmt: skip
            run("ip", "-n", name, "link", "set", device, "up")
        run("ip", "-n", container, "route", "add", "default", "via", "10.9.2.1")
        run("ip", "-n", outside, "route", "add", "10.9.2.0/24", "via", SERVER)
        self.on("server", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.on("server", "nft", "-f", "-", given=PUBLISHED)


@pytest.fixture
def machines() -> Iterator[Machines]:
    need("ip", "nft")
    made = Machines(f"fm{uuid4().hex[:6]}")
    listening = []
    try:
        made.wire()
        for machine, ports in (("server", (22, 9999)), ("container", (8080, 5432)), ("outside", (7777,))):
            listening.append(made.listen(machine, *ports))
        yield made
    finally:
        for process in listening:
            process.kill()
            process.communicate()
        for machine in ("server", "container", "outside"):
            subprocess.run(["ip", "netns", "del", f"{made.name}-{machine}"], capture_output=True, check=False)


def rules(ports: list[int]) -> str:
    template = Environment(undefined=StrictUndefined, autoescape=False).from_string(RULES.read_text())  # noqa: S701
    return template.render(folkmoot_open_ports=ports, folkmoot_rules_name="rules_1")


def test_only_what_is_named_comes_in(machines: Machines) -> None:
    mistakes = [(SERVER, 9999), (SERVER, 5432), (CONTAINER, 5432), (CONTAINER, 8080)]
    for address, port in [(SERVER, 22), (SERVER, 80), *mistakes]:
        assert machines.knock("outside", address, port) == "open", "without the firewall, all of it is open"
    for _ in range(2):  # again is the same
        machines.on("server", "nft", "-f", "-", given=rules([22, 80, 443]))
    for port in (22, 80):
        assert machines.knock("outside", SERVER, port) == "open"
    assert machines.knock("outside", SERVER, 443) == "refused", "let through, and nobody is there"
    for address, port in mistakes:
        assert machines.knock("outside", address, port) == "silent", (address, port)


def test_what_the_server_does_itself_goes_on(machines: Machines) -> None:
    machines.on("server", "nft", "-f", "-", given=rules([22, 80]))
    assert machines.knock("server", OUTSIDE, 7777) == "open"
    assert machines.knock("container", OUTSIDE, 7777) == "open"
    assert machines.knock("server", CONTAINER, 5432) == "open"
    assert machines.knock("server", "127.0.0.1", 9999) == "open"
    assert machines.knock("container", "10.9.2.1", 9999) == "open"
    assert "published" in machines.on("server", "nft", "list", "tables"), "what Docker wrote stays"


def test_a_connection_that_is_there_stays(machines: Machines) -> None:
    """As the one by which the rules come."""
    command = ["ip", "netns", "exec", f"{machines.name}-outside", sys.executable, "-ISc", STAY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "in\n"
        machines.on("server", "nft", "-f", "-", given=rules([22]))
        said, _ = process.communicate("go on\n", timeout=20)
    assert said == "acknowledged\n"
    assert machines.knock("outside", SERVER, 9999) == "silent", "a new one would not have come in"
