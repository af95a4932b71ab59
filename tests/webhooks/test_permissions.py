"""Webhooks are an admin's, for rooms the admin is in."""

import httpx
import pytest

from folkmoot.actions import Call
from folkmoot.commands import OPERATOR
from folkmoot.modules.accounts import actions as accounts
from tests.people import Member, assert_problem, enrol
from tests.webhooks.receiver import Receiver


async def every_address(http: httpx.AsyncClient, room_id: int, url: str) -> list[httpx.Response]:
    return [
        await http.get("/api/v1.0/webhooks"),
        await http.post(f"/api/v1.0/rooms/{room_id}/webhooks", json={"url": url}),
        await http.post("/api/v1.0/webhooks/1/secret"),
        await http.post("/api/v1.0/webhooks/1/retry"),
        await http.delete("/api/v1.0/webhooks/1"),
    ]


async def test_a_member_may_not_even_in_their_own_room(ada: Member, receiver: Receiver) -> None:
    room_id = await ada.make_room()
    for answer in await every_address(ada.http, room_id, receiver.url):
        assert_problem(answer, 403, "forbidden")


async def test_a_visitor_must_sign_in(visitor: httpx.AsyncClient, receiver: Receiver) -> None:
    for answer in await every_address(visitor, 1, receiver.url):
        assert_problem(answer, 401, "not_signed_in")


async def test_a_revoked_admin_may_no_more(admin: Member, receiver: Receiver) -> None:
    room_id = await admin.make_room()
    async with enrol(admin.node, "Another", "admin"):  # the last one cannot be disabled
        await accounts.disable.perform(Call(admin.node.core, OPERATOR), {"user_id": admin.id})
    for answer in await every_address(admin.http, room_id, receiver.url):
        assert_problem(answer, 401, "not_signed_in")


async def test_an_admin_who_is_not_in_the_room_cannot_listen_to_it(root: Member, receiver: Receiver) -> None:
    async with enrol(root.node, "Other", "admin") as other:
        room_id = await root.make_room("Private", "private")
        answer = await other.http.post(f"/api/v1.0/rooms/{room_id}/webhooks", json={"url": receiver.url})
        assert_problem(answer, 404, "not_found")


async def test_a_webhook_that_is_not_there(root: Member) -> None:
    for answer in [
        await root.http.post("/api/v1.0/webhooks/999999/secret"),
        await root.http.post("/api/v1.0/webhooks/999999/retry"),
        await root.http.delete("/api/v1.0/webhooks/999999"),
    ]:
        assert_problem(answer, 404, "not_found")


@pytest.mark.parametrize("hook_id", ["0", "-1", "x", "1.5", "9" * 30])
async def test_what_is_no_id_is_refused(root: Member, hook_id: str) -> None:
    assert_problem(await root.http.delete(f"/api/v1.0/webhooks/{hook_id}"), 400, "invalid")


async def test_a_room_has_no_more_webhooks_than_it_may(root: Member, receiver: Receiver) -> None:
    room_id = await root.make_room()
    for _ in range(root.node.settings.webhooks_per_room):
        answer = await root.http.post(f"/api/v1.0/rooms/{room_id}/webhooks", json={"url": receiver.url})
        assert answer.status_code == 201
    answer = await root.http.post(f"/api/v1.0/rooms/{room_id}/webhooks", json={"url": receiver.url})
    assert_problem(answer, 409, "conflict")


async def test_a_secret_is_shown_once(root: Member, receiver: Receiver) -> None:
    room_id = await root.make_room()
    made = (await root.http.post(f"/api/v1.0/rooms/{room_id}/webhooks", json={"url": receiver.url})).json()
    assert made["secret"] not in (await root.http.get("/api/v1.0/webhooks")).text
