"""Bots: an admin makes them, a room takes them in, and they speak by their tokens alone."""

import pytest

from tests.people import PASSWORD, Member, assert_problem, enrol_bot, visiting
from tests.realtime.wire import wired

BOTS = "/api/v1.0/bots"


async def test_a_bot_speaks_in_a_room_that_took_it_in(admin: Member, ada: Member) -> None:
    room_id = await ada.make_room(visibility="private")
    async with enrol_bot(admin, "Weather", "messages") as bot:
        refused = await bot.http.post(
            f"/api/v1.0/rooms/{room_id}/messages",
            json={"body": "Rain", "client_id": "6b4d5a52-9a5b-4a1c-8a0c-0d6f6b2f6a01"},
        )
        assert_problem(refused, 404, "not_found")
        invited = await ada.http.post(f"/api/v1.0/rooms/{room_id}/members", json={"user_id": bot.id})
        assert invited.status_code == 201
        async with wired(ada.node.port, bot.token) as wire:
            await ada.say(room_id, "How is the weather?")
            await wire.hears(lambda: wire.offsets(room_id))
            assert (await bot.say(room_id, "Rain"))["author"] == {"id": bot.id, "name": "Weather"}


async def test_a_bot_has_no_password(admin: Member) -> None:
    async with enrol_bot(admin, "Mute") as bot:
        accounts = (await admin.http.get("/api/v1.0/accounts")).json()["accounts"]
        (account,) = [account for account in accounts if account["id"] == bot.id]
        given = {"password": PASSWORD}
        refused = await admin.http.put(f"/api/v1.0/accounts/{bot.id}/password", json=given)
        assert_problem(refused, 404, "not_found")
        async with visiting(admin.node) as http:
            for password in ("", "    ", "    x", PASSWORD):
                answer = await http.post("/api/v1.0/session", json={"email": account["email"], "password": password})
                assert answer.status_code in (400, 401), answer.text


async def test_a_disabled_bot_is_silent_at_once(admin: Member) -> None:
    async with enrol_bot(admin, "Chatter") as bot, wired(admin.node.port, bot.token) as wire:
        assert (await admin.http.post(f"/api/v1.0/accounts/{bot.id}/disable")).status_code == 204
        await wire.socket.wait_closed()
        assert_problem(await bot.http.get("/api/v1.0/rooms"), 401, "not_signed_in")
        (known,) = [each for each in (await admin.http.get(BOTS)).json()["bots"] if each["id"] == bot.id]
        assert known["disabled"]


async def test_a_bot_s_token_can_be_ended_alone(admin: Member) -> None:
    async with enrol_bot(admin, "Clerk") as bot:
        (token,) = (await admin.http.get(f"{BOTS}/{bot.id}/tokens")).json()["tokens"]
        assert (await admin.http.delete(f"{BOTS}/{bot.id}/tokens/{token['id']}")).status_code == 204
        assert_problem(await admin.http.delete(f"{BOTS}/{bot.id}/tokens/{token['id']}"), 404, "not_found")
        assert_problem(await bot.http.get("/api/v1.0/rooms"), 401, "not_signed_in")


async def test_only_admins_make_bots_and_nobody_makes_tokens_of_people(admin: Member, ada: Member, bob: Member) -> None:
    for refused in (
        await ada.http.get(BOTS),
        await ada.http.post(BOTS, json={"name": "Mine"}),
        await ada.http.post(f"{BOTS}/1/tokens", json={"name": "x", "scopes": ["all"]}),
    ):
        assert_problem(refused, 403, "forbidden")
    for user_id in (bob.id, admin.id, 10**15):
        answer = await admin.http.post(f"{BOTS}/{user_id}/tokens", json={"name": "x", "scopes": ["all"]})
        assert_problem(answer, 404, "not_found")
        assert_problem(await admin.http.get(f"{BOTS}/{user_id}/tokens"), 404, "not_found")


@pytest.mark.parametrize(
    "given", [{}, {"name": ""}, {"name": "  "}, {"name": "a\nb"}, {"name": "x" * 81}, {"nam": "x"}]
)
async def test_a_bot_has_a_name(admin: Member, given: dict[str, str]) -> None:
    assert_problem(await admin.http.post(BOTS, json=given), 400, "invalid")
