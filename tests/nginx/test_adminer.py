"""Adminer behind /db: for whom, for which server, and what it hears of our sessions.

Adminer takes its driver and its server from the query alone; what a form says only leads to another query.
"""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.nginx.behind import behind
from tests.nginx.front import Front, front
from tests.people import assert_problem

PERMITTED = [
    "/db",
    "/db/",
    "/db?",
    "/db/?file=default.css&version=5.4.1",
    "/db?pgsql=db",
    "/db?pgsql=db&username=folkmoot&db=folkmoot&ns=public",
    "/db?username=folkmoot&pgsql=db&select=users&where%5B0%5D%5Bcol%5D=id&order[0]=id&limit=50",
    "/db?pgsql=db&username=folkmoot&sql=select+'%26server%3Devil'",
]
REFUSED = [
    "/db?server=evil",
    "/db?server=evil&username=root",
    "/db?pgsql=evil",
    "/db?pgsql=evil&username=folkmoot",
    "/db?pgsql=db.evil.test",
    "/db?pgsql=db%3A6379&username=x",
    "/db?pgsql=db&pgsql=evil",
    "/db?pgsql=db&pgsql[]=evil",
    "/db?pgsql[0]=evil",
    "/db?pgsql",
    "/db?pgsql=",
    "/db?username=folkmoot",
    "/db?%70gsql=evil",
    "/db?pgsql=db&%73erver=evil",
    "/db?pgsql=db&+server=evil",
    "/db?pgsql=db&%20server=evil",
    "/db?pgsql=db&.server=evil",
    "/db?pgsql=db&&elastic=evil",
    "/db?elastic=http://169.254.169.254",
    "/db/?elastic[]=evil",
    "/db/?elastic%5B%5D=evil",
    "/db/index.php?sqlite=/etc/passwd",
    "/db/?oracle=evil&username=x",
    "/db/?mssql=evil&username=x",
    "/db/?mongo=evil&username=x",
    "/db/?clickhouse=evil&username=x",
    "/db/?SERVER=evil",
]


async def test_the_one_server_may_be_asked(tmp_path: Path) -> None:
    async with behind() as adminer, _before(tmp_path, adminer.address) as running:
        for path in PERMITTED:
            assert (await running.http.get(path)).status_code == 200
        assert [request.target for request in adminer.requests] == PERMITTED


async def test_no_other_server_and_no_other_driver(tmp_path: Path) -> None:
    async with behind() as adminer, _before(tmp_path, adminer.address) as running:
        for path in REFUSED:
            for method in ("GET", "POST"):
                answer = await running.http.request(method, path, data={"auth[driver]": "elastic"})
                assert_problem(answer, 403, "forbidden")
        assert adminer.requests == []


async def test_it_hears_nothing_of_our_sessions(tmp_path: Path) -> None:
    ours = "sid=s3cret; __Host-sid=s3cret; a=b"
    theirs = "adminer_sid=1; adminer_key=2"
    headers = {"Cookie": f"{ours}; {theirs}", "Authorization": "Bearer s3cret", "X-Real-IP": "6.6.6.6"}
    async with behind() as adminer, _before(tmp_path, adminer.address) as running:
        await running.http.get("/db", headers=headers)
        (request,) = adminer.requests
        assert request.all("Cookie") == [theirs.replace("=2", "=2;")]
        assert request.one("Authorization") is None
        assert request.one("X-Real-IP") == "127.0.0.1"
        assert "s3cret" not in " ".join(request.lines)


async def test_its_page_cannot_speak_to_ours(tmp_path: Path) -> None:
    async with behind() as adminer, _before(tmp_path, adminer.address) as running:
        answer = await running.http.get("/db", headers={"Host": "chat.test"})
        _, second = answer.headers.get_list("content-security-policy")
        assert second.startswith("connect-src http://chat.test/db http://chat.test/db/; form-action 'self'; ")


@pytest.mark.parametrize("allowed", ["10.0.0.0/8", "127.0.0.2", "::1", None])
async def test_other_networks_are_refused(tmp_path: Path, allowed: str | None) -> None:
    variables = {"DB_ALLOW": allowed} if allowed else {}
    async with behind() as adminer, front(tmp_path, DB_UPSTREAM=adminer.address, **variables) as running:
        for path in ("/db", "/db/", "/db/x"):
            assert_problem(await running.http.get(path), 403, "forbidden")
            lie = {"X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1"}
            assert_problem(await running.http.get(path, headers=lie), 403, "forbidden")
        assert adminer.requests == []


async def test_without_it_there_is_nothing(entrance: Front) -> None:
    for path in ("/db?pgsql=db", "/db/x"):
        assert_problem(await entrance.http.get(path), 404, "not_found")


def _before(folder: Path, address: str) -> AbstractAsyncContextManager[Front]:
    return front(folder, DB_UPSTREAM=address, DB_ALLOW="private")
