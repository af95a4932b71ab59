"""The bot: it answers in the rooms that took it in, once, and says why it ends."""

import asyncio
import sys
from uuid import uuid4

from folkmoot.app import Node
from tests.examples.programs import START_S, program
from tests.people import Member, enrol_bot

BOT = (sys.executable, "-u", "bot.py")


async def bodies(member: Member, room_id: int) -> list[str]:
    history = (await member.http.get(f"/api/v1.0/rooms/{room_id}/events")).json()
    return [event["body"] for event in history["events"] if event["kind"] == "message"]


async def wait_for(member: Member, room_id: int, expected: list[str]) -> None:
    async with asyncio.timeout(START_S):
        while await bodies(member, room_id) != expected:
            await asyncio.sleep(0.05)


async def take_in(member: Member, room_id: int, bot: Member) -> None:
    invited = await member.http.post(f"/api/v1.0/rooms/{room_id}/members", json={"user_id": bot.id})
    assert invited.status_code == 201, invited.text


async def test_it_answers_in_the_room_that_took_it_in(node: Node, admin: Member, ada: Member) -> None:
    room_id = await ada.make_room(f"Garden {uuid4().hex[:6]}")
    elsewhere = await ada.make_room(f"Elsewhere {uuid4().hex[:6]}")
    async with enrol_bot(admin, "Bot", "messages") as bot:
        await take_in(ada, room_id, bot)
        async with program(
            "room-bot", *BOT, FOLKMOOT_URL=f"http://127.0.0.1:{node.port}", FOLKMOOT_TOKEN=bot.token
        ) as it:
            await it.says("Connected")
            await ada.say(elsewhere, "ping")
            await ada.say(room_id, "hello")
            await ada.say(room_id, "Ping")
            await wait_for(ada, room_id, ["hello", "Ping", "pong"])
            assert await bodies(ada, elsewhere) == ["ping"]


async def test_two_copies_answer_once(node: Node, admin: Member, ada: Member) -> None:
    room_id = await ada.make_room(f"Garden {uuid4().hex[:6]}")
    async with enrol_bot(admin, "Bot", "messages") as bot:
        await take_in(ada, room_id, bot)
        told = {"FOLKMOOT_URL": f"http://127.0.0.1:{node.port}", "FOLKMOOT_TOKEN": bot.token}
        async with program("room-bot", *BOT, **told) as one, program("room-bot", *BOT, **told) as two:
            for copy in (one, two):
                await copy.says("Connected")
            await ada.say(room_id, "ping")
            await wait_for(ada, room_id, ["ping", "pong"])
            await ada.say(room_id, "marco")
            await wait_for(ada, room_id, ["ping", "pong", "marco", "polo"])


async def test_without_a_token_or_with_a_wrong_one_it_says_so_and_ends(node: Node) -> None:
    assert await last_words(node, "") == "Set FOLKMOOT_TOKEN to the token that `folkmoot bot add` showed."
    assert await last_words(node, "wrong") == "The server sent us away: invalid token (3500)"


async def last_words(node: Node, token: str) -> str:
    told = {"FOLKMOOT_URL": f"http://127.0.0.1:{node.port}", "FOLKMOOT_TOKEN": token}
    async with program("room-bot", *BOT, **told) as it, asyncio.timeout(START_S):
        assert await it.process.wait() == 1
    return it.said[-1]
