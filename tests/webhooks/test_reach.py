"""Where webhooks may reach: nowhere inside, by whatever name or spelling."""

import asyncio
import socket
from typing import Any

import pytest

from folkmoot.modules.webhooks import reach
from folkmoot.modules.webhooks.sender import NotDelivered, Sender
from tests.people import Member
from tests.webhooks.receiver import Receiver

INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",  # noqa: S104  # nobody listens there
    "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "192.0.2.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1:0:0:80ff:fffe", "2001:db8::1", "fec0::1", "fe80::1%lo",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]

SPELLINGS = [
    "http://127.0.0.1/", "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f.1/",
    "https://0177.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://localhost/", "https://LOCALHOST./", "https://①②⑦.0.0.1/", "https://169.254.169.254/latest/meta-data/",
    "https://0/", "https://[::]/", "https://127。0。0。1/",
]  # fmt: skip
NO_ADDRESSES = [
    "", "x", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)", "https://", "https:///x",
    "//example.org",
    "https://user@example.org/", "https://user:pw@example.org/", "https://example.org/#part", "https://exa mple.org/",
    "https://example.org/\r\nHost: evil", "gopher://127.0.0.1:6379/_FLUSHALL", "https://" + "a" * 3000, "http://[::1",
    "https://example.org:99999/",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused(address: str) -> None:
    assert not reach.may_reach(address, (), encrypted=True)


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_may_be_reached_but_only_encrypted(address: str) -> None:
    assert reach.may_reach(address, (), encrypted=True)
    assert not reach.may_reach(address, (), encrypted=False)


def test_the_operator_allows_networks_and_no_others() -> None:
    networks = ("10.1.0.0/16", "fd00:1::/32")
    for allowed in ("10.1.2.3", "fd00:1::5", "::ffff:10.1.2.3"):
        assert reach.may_reach(allowed, networks, encrypted=False)
    for refused in ("10.2.2.3", "127.0.0.1", "fd00:2::5", "169.254.169.254"):
        assert not reach.may_reach(refused, networks, encrypted=True)


@pytest.mark.parametrize("url", SPELLINGS)
async def test_no_spelling_of_an_address_inside_is_taken(admin: Member, url: str) -> None:
    """This node allows no networks."""
    room_id = await admin.make_room()
    answer = await admin.http.post(f"/api/v1.0/rooms/{room_id}/webhooks", json={"url": url})
    assert answer.status_code == 400, answer.text
    assert "url" in answer.json()["errors"]


@pytest.mark.parametrize("url", [*NO_ADDRESSES, None, 7, ["https://example.org"], {}])
async def test_what_is_no_address_is_refused(admin: Member, url: object) -> None:
    room_id = await admin.make_room()
    answer = await admin.http.post(f"/api/v1.0/rooms/{room_id}/webhooks", json={"url": url})
    assert answer.status_code == 400, answer.text
    assert "url" in answer.json()["errors"]


async def test_a_name_that_leads_elsewhere_later_gains_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is asked once for each connection, and what was checked is what is connected to."""
    asked: list[str] = []

    async def rebind(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebind, raising=False)
    url = f"http://rebind.example:{receiver.port}/hook"
    async with Sender(url, networks=("127.0.0.0/8",), within_s=2) as sender:
        await sender.post({}, b"{}")
    assert asked == ["rebind.example"]
    assert receiver.got[0].headers["host"] == f"rebind.example:{receiver.port}"
    async with Sender(url, networks=("127.0.0.0/8",), within_s=2) as sender:
        with pytest.raises(NotDelivered, match="may not reach"):
            await sender.post({}, b"{}")
    assert len(receiver.got) == 1


async def test_a_receiver_that_drips_is_left_in_time() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            return

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Sender(f"http://127.0.0.1:{port}/", networks=("127.0.0.0/8",), within_s=0.3) as sender:
        with pytest.raises(NotDelivered):
            await sender.post({}, b"{}")
    server.close()


async def test_nobody_there_is_said(free_port: int) -> None:
    async with Sender(f"http://127.0.0.1:{free_port}/", networks=("127.0.0.0/8",), within_s=2) as sender:
        with pytest.raises(NotDelivered, match="Cannot be reached"):
            await sender.post({}, b"{}")
