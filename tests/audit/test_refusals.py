"""What strangers are refused is written down, and fills no disk (S40)."""

import asyncio

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.actions import Call, Caller
from folkmoot.audit.entry import Actor, Entry, Origin, Target
from folkmoot.audit.refusals import Refusals
from folkmoot.errors import Forbidden
from tests.audit.words import PATIENCE_S
from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.people import Member, enrol, visiting

Table = asyncpg.Connection
COUNT = "SELECT count(*) FROM audit_entries WHERE reason IN ('wrong_credentials', 'too_many') AND id > $1"
TIMES = "SELECT coalesce(sum(times), 0) FROM audit_entries WHERE reason = 'wrong_credentials' AND id > $1"
NEWEST = "SELECT coalesce(max(id), 0) FROM audit_entries"


def refusal(address: str = "192.0.2.1", *, user: int | None = None, target: int | None = None) -> Entry:
    return Entry(
        action="accounts.sign_in",
        actor=Actor("visitor") if user is None else Actor("member", user, "Ada"),
        origin=Origin(address),
        outcome="refused",
        reason="wrong_credentials",
        target=None if target is None else Target("account", target),
    )


def test_the_first_of_a_kind_is_written_at_once_and_the_rest_as_one() -> None:
    refusals = Refusals(10)
    assert refusals.add(refusal())
    assert [one.times for one in refusals.take_fresh()] == [1]
    assert not any(refusals.add(refusal()) for _ in range(1_000))
    assert refusals.take_fresh() == []
    assert [one.times for one in refusals.end_window()] == [1_000]
    assert refusals.end_window() == []
    assert refusals.add(refusal())  # a new window


def test_kinds_differ_by_place_account_and_who_has_signed_in() -> None:
    refusals = Refusals(10)
    for other in (
        refusal(),
        refusal("192.0.2.2"),
        refusal(target=1),
        refusal("2001:db8::1"),
        refusal(user=1),
        refusal(user=2),
    ):
        assert refusals.add(other)
    for same in (refusal("2001:db8::ffff"), refusal("192.0.2.9", user=1)):
        assert not refusals.add(same)


@pytest.mark.parametrize("most", [1, 20])
def test_a_million_strangers_make_a_bounded_number_of_rows(most: int) -> None:
    refusals = Refusals(most)
    for number in range(5_000):
        refusals.add(refusal(f"10.0.{number % 250}.{number // 250}", target=number))
        refusals.add(refusal(user=number))
    written = refusals.take_fresh() + refusals.end_window()
    assert len(written) <= 2 * (most + 1)
    assert sum(one.times for one in written) == 10_000
    beyond = [one for one in written if one.origin.address is None]
    assert {(one.actor.role, one.actor.id, one.target) for one in beyond} == {
        ("visitor", None, None),
        ("member", None, None),
    }


async def test_a_flood_of_sign_ins_is_two_rows_and_every_try_is_counted(
    start: Start, database: Table, ada: Member
) -> None:
    since = await database.fetchval(NEWEST)
    async with start() as node, visiting(node) as http:
        http.headers["X-Requested-With"] = "folkmoot"
        for _ in range(12):
            given = {"email": ada.email, "password": "not the password"}
            assert (await http.post("/api/v1.0/session", json=given)).status_code == 401
    assert await database.fetchval(TIMES, since) == 12  # the node has written what was left when it ended
    assert await database.fetchval(COUNT, since) == 2


async def test_being_limited_is_written_down(start: Start, database: Table) -> None:
    since = await database.fetchval(NEWEST)
    async with start(sign_in_per_minute=1) as node, visiting(node) as http:
        statuses = [
            (await http.post("/api/v1.0/user/auth", json={"email": "x@example.org", "password": "wrong!"})).status_code
            for _ in range(4)
        ]
    assert 429 in statuses
    assert await database.fetchval("SELECT count(*) FROM audit_entries WHERE reason = 'too_many' AND id > $1", since)


async def test_refusals_wait_for_a_database_that_is_away(
    start: Start, postgres_relay: tuple[Proxy, SecretStr], database: Table
) -> None:
    relay, dsn = postgres_relay
    since = await database.fetchval(NEWEST)
    async with start(database_url=dsn, database_wait_s=1.0) as node, enrol(node, "Eve") as eve:
        await relay.cut()
        with pytest.raises(Forbidden):
            await node.core.registry.find("accounts.accounts").perform(Call(node.core, caller_of(eve)), {})
        await relay.mend()
        async with asyncio.timeout(PATIENCE_S):
            while not await database.fetchval(
                "SELECT count(*) FROM audit_entries WHERE actor_id = $1 AND reason = 'forbidden' AND id > $2",
                eve.id,
                since,
            ):
                await asyncio.sleep(0.05)


def caller_of(member: Member) -> Caller:
    return Caller(member.id, member.name, "member", 1, 60.0)
