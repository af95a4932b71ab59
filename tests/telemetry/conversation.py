"""A conversation by HTTP and by socket on a served process: everything that leaves a trace in logs and metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx

from folkmoot.app import Node
from tests.people import PASSWORD, Member, enrol
from tests.realtime.wire import Wire, wired
from tests.telemetry.served import Served, reading

CANARY = "canary-Zm9sa21vb3QgdGVzdCBjYW5hcnkgdG9rZW4"  # never to be logged, wherever it is put
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@dataclass
class Conversation:
    room_id: int
    ada: Member
    bob: Member
    secrets: list[str]


@asynccontextmanager
async def visiting(server: Served, token: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    async with reading(server.port) as http:
        if token:
            http.headers["Authorization"] = f"Bearer {token}"
        yield http


@asynccontextmanager
async def conversation(node: Node, server: Served) -> AsyncIterator[Conversation]:
    """Ada and Bob have talked; Bob's socket is still open. `node` is another one of the same databases."""
    async with enrol(node, "Ada") as ada, enrol(node, "Bob") as bob:
        room_id = await ada.make_room()
        await bob.join(room_id)
        held = Conversation(room_id, ada, bob, [CANARY, PASSWORD, ada.token, bob.token])
        await _by_http(server, held)
        async with wired(server.port, bob.token) as bobs:
            await _by_socket(server, held, bobs)
            yield held


async def _by_http(server: Served, held: Conversation) -> None:
    async with visiting(server) as stranger, visiting(server, held.ada.token) as ada:
        for path in ("/ws", "/api/v1.0/rooms", "/nope", "/api", "/healthz", f"/{CANARY}", f"/hooks/{CANARY}/x", "/%ff"):
            await stranger.get(f"{path}?token={CANARY}")
            await stranger.get(path, headers={"Authorization": f"Bearer {CANARY}", "Cookie": f"sid={CANARY}"})
        await stranger.get(f"/ws?token={CANARY}", headers={**UPGRADE, "Origin": "https://evil.example"})
        await stranger.get("/nope%0a2026-01-01%20[info]%20forged%1b[2J")
        for body in (f'{{"email": "{CANARY}@example.org", "password": "{CANARY}"}}', f'{{"password": "{CANARY}"'):
            await stranger.post("/api/v1.0/session", content=body, headers={"Content-Type": "application/json"})
        signed_in = await stranger.post("/api/v1.0/user/auth", json={"email": held.ada.email, "password": PASSWORD})
        held.secrets.append(signed_in.json()["data"]["access_token"])
        held.secrets.append((await ada.post("/api/v1.0/tickets")).json()["ticket"])
        room = f"/api/v1.0/rooms/{held.room_id}"
        said = await ada.post(f"{room}/messages", json={"body": CANARY, "client_id": str(uuid4())})
        assert said.status_code == 201
        assert (await ada.get(f"{room}/events")).status_code == 200
        assert (await ada.get("/api/v1.0/rooms/999999999")).status_code == 404


async def _by_socket(server: Served, held: Conversation, bobs: Wire) -> None:
    channel = f"room:{held.room_id}"
    async with wired(server.port, held.ada.token) as adas:
        await adas.post(held.room_id, CANARY)
        await bobs.post(held.room_id, "hello")
        await adas.do("presence", channel=channel)
        position = await adas.do("history", channel=channel, limit=1)
        await adas.rpc("sessions.current")
        assert await adas.refused("subscribe", channel="room:999999999") == 103
        assert await adas.refused("rpc", method=f"nothing.{CANARY}", data={}) == 104
        await adas.refused("publish", channel=channel, data={"body": CANARY, "client_id": CANARY})
    since = {"recover": True, "epoch": position["epoch"], "offset": position["offset"] - 1}
    async with wired(server.port) as adas:
        subs = {channel: since, f"room:{held.room_id + 1_000_000}": {**since, "epoch": "other"}}
        await adas.connect(held.ada.token, subs=subs)
    async with wired(server.port) as adas:
        await adas.connect(held.ada.token, subs={channel: {**since, "epoch": "another"}})
    async with wired(server.port) as stranger:
        await stranger.say(stranger.command("connect", token=CANARY))
        assert await stranger.expect_close() == 3500
