"""Asking for a letter: whoever asks learns nothing, and nobody is written to without end."""

import time
from statistics import median

import asyncpg
import pytest
from redis.asyncio import Redis

from folkmoot.app import Node
from tests.conftest import Start
from tests.http.test_limits import forget_tries
from tests.people import assert_problem, enrol, enrol_bot, visiting
from tests.resets.conftest import RESETS, Forgetful

NOBODY = "nobody@example.org"


async def no_job_waits(rows: "asyncpg.Connection[asyncpg.Record]", mailbox: Forgetful) -> None:
    unfinished = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'resets.send'"
    while await rows.fetchval(unfinished):
        await mailbox.http.get("/healthz")


async def test_the_answer_is_the_same_for_everybody(
    forgetful: Forgetful, node: Node, rows: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with enrol(node, "Root", "admin") as root, enrol(node, "Gone") as gone, enrol_bot(root, "Bot") as bot:
        assert (await root.http.post(f"/api/v1.0/accounts/{gone.id}/disable")).status_code == 204
        of_bot = await rows.fetchval("SELECT email FROM users WHERE id = $1", bot.id)
        await rows.execute("UPDATE users SET email = 'bot@example.org' WHERE id = $1", bot.id)
        assert of_bot.endswith("@bots.invalid")
        answers = {
            email: await forgetful.http.post(RESETS, json={"email": email})
            for email in (forgetful.member.email, NOBODY, gone.email, "bot@example.org")
        }
    assert {answer.status_code for answer in answers.values()} == {200}
    assert {answer.text for answer in answers.values()} == {'{"lifetime_s":1800}'}
    assert len({frozenset(answer.headers) for answer in answers.values()}) == 1
    await no_job_waits(rows, forgetful)
    assert len(forgetful.box.to(forgetful.member.email)) == 1
    for email in (NOBODY, gone.email, "bot@example.org"):
        assert forgetful.box.to(email) == []


async def test_an_unknown_address_takes_as_long_as_a_known_one(forgetful: Forgetful) -> None:
    """The request does the same for both; what differs is a job, which nobody waits for."""
    took: dict[str, list[float]] = {forgetful.member.email: [], NOBODY: []}
    for _ in range(40):
        for email, times in took.items():
            began = time.perf_counter()
            await forgetful.http.post(RESETS, json={"email": email})
            times.append(time.perf_counter() - began)
    known, unknown = took.values()
    assert 0.5 < median(known) / median(unknown) < 2.0
    # How often a known one took longer than an unknown one, of all pairs (Mann-Whitney): a coin, as far as 40 tell.
    longer = sum(one > other for one in known for other in unknown) / (len(known) * len(unknown))
    assert 0.3 < longer < 0.7


async def test_one_account_is_written_to_so_often_and_not_more(
    start: Start, node: Node, redis: Redis, forgetful: Forgetful
) -> None:
    await forget_tries(redis)
    settings = node.settings
    async with (
        start(
            database_url=settings.database_url,
            smtp_host=settings.smtp_host,
            smtp_port=settings.smtp_port,
            smtp_tls="none",
            mail_from=settings.mail_from,
            resets_per_address=6,
            trusted_proxies=("127.0.0.1/32",),
        ) as strict,
        visiting(strict) as http,
    ):
        for email in (forgetful.member.email, NOBODY):
            for n in range(3):
                answer = await http.post(RESETS, json={"email": email}, headers={"X-Real-IP": f"192.0.2.{n}"})
                assert answer.status_code == 200
            answer = await http.post(RESETS, json={"email": email}, headers={"X-Real-IP": "192.0.2.9"})
            assert_problem(answer, 429, "too_many")
            assert 800 < int(answer.headers["retry-after"]) <= 901
        for n in range(6):
            answer = await http.post(RESETS, json={"email": f"p{n}@example.org"}, headers={"X-Real-IP": "192.0.2.77"})
            assert answer.status_code == 200
        answer = await http.post(RESETS, json={"email": "p7@example.org"}, headers={"X-Real-IP": "192.0.2.77"})
        assert_problem(answer, 429, "too_many")
    await forget_tries(redis)


async def test_links_are_not_tried_without_end(start: Start, redis: Redis) -> None:
    await forget_tries(redis)
    async with start(sign_in_per_minute=3) as node, visiting(node) as http:
        answers = [await http.post(f"{RESETS}/look", json={"token": f"guess {n}"}) for n in range(4)]
    await forget_tries(redis)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


async def test_a_server_without_mail_says_so(start: Start) -> None:
    async with start() as node, visiting(node) as http:
        assert (await http.get(RESETS)).json() == {"offered": False}
        problem = assert_problem(await http.post(RESETS, json={"email": NOBODY}), 503, "mail_missing")
        assert problem["detail"] == "This server sends no mail. Ask an admin for a new password."


async def test_a_server_with_mail_says_so(forgetful: Forgetful) -> None:
    assert (await forgetful.http.get(RESETS)).json() == {"offered": True}


@pytest.mark.parametrize("path", [RESETS, f"{RESETS}/look", f"{RESETS}/choose"])
async def test_it_takes_json_alone(forgetful: Forgetful, path: str) -> None:
    answer = await forgetful.http.post(path, content=b"email=a@b.org", headers={"Content-Type": "text/plain"})
    assert_problem(answer, 415, "wrong_media_type")
