"""The stack of a server as it runs: signed in to through nginx, talked over, looked into, and its parts killed."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest

from tests.nginx.raw import exchange
from tests.nginx.test_smuggling import ONCE, REFUSED
from tests.realtime.python_client import Sdk
from tests.realtime.wire import until
from tests.stack.stack import Stack

IDLE_S = 75  # nginx's own limit is a minute
BACK_S = 60

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="session")
async def token(stack: Stack) -> str:
    """The admin of `.env`, signed in through nginx."""
    async with visiting(stack) as http:
        given = {"email": stack.env["API_ADMIN_EMAIL"], "password": stack.env["API_ADMIN_PASSWORD"]}
        answer = await http.post("/api/v1.0/user/auth", json=given)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["access_token"])


@asynccontextmanager
async def visiting(stack: Stack, token: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, trust_env=False, timeout=20) as client:
        yield client


@asynccontextmanager
async def listening(stack: Stack, token: str) -> AsyncIterator[Sdk]:
    sdk = Sdk(stack.port, token, "/ws", host="localhost")
    try:
        await sdk.connect()
        yield sdk
    finally:
        await sdk.client.disconnect()


async def say(sdk: Sdk, room_id: int, body: str) -> int:
    """Says it until it is acknowledged, as a client of ours does. Returns its number."""
    client_id = str(uuid4())
    async with asyncio.timeout(BACK_S):
        while True:
            try:
                sent = await sdk.client.publish(f"room:{room_id}", {"body": body, "client_id": client_id})
            except Exception:  # however the client says that nobody answers yet
                await asyncio.sleep(0.1)
            else:
                assert sent is not None
                break
    async with asyncio.timeout(BACK_S):
        while not (mine := [ctx.pub.offset for ctx in told(sdk, room_id) if ctx.pub.data["client_id"] == client_id]):
            await asyncio.sleep(0.02)
    return int(mine[0])


def told(sdk: Sdk, room_id: int) -> list:  # type: ignore[type-arg]  # the SDK's contexts have no type
    return [ctx for name, ctx in sdk.happened if name == "publication" and ctx.channel == f"room:{room_id}"]


async def general(stack: Stack, token: str) -> int:
    async with visiting(stack, token) as http:
        return int((await http.get("/api/v1.0/rooms")).json()["rooms"][0]["id"])


async def test_an_idle_socket_is_there_after_more_than_a_minute(stack: Stack, token: str) -> None:
    """And everything else that needs no part to be killed is tried in that time."""
    room_id = await general(stack, token)
    async with listening(stack, token) as idle:
        began = asyncio.get_running_loop().time()
        await addresses(stack)
        await headers(stack)
        await adminer(stack)
        await two_who_talk(stack, token, room_id)
        await smuggling(stack)
        await asyncio.sleep(max(0.0, IDLE_S - (asyncio.get_running_loop().time() - began)))
        assert idle.times("connecting") == 1
        async with listening(stack, token) as other:
            number = await say(other, room_id, "Are you still there?")
        await until(lambda: number in idle.heard(f"room:{room_id}"))


async def addresses(stack: Stack) -> None:
    async with visiting(stack) as http:
        expected = {
            "/": "<!doctype html", "/app": "<!doctype html", "/apifoo": "<!doctype html", "/rooms/1": "<!doctype html",
            "/api": '{"hello":"world!"}', "/api/": '{"hello":"world!"}', "/api/openapi.json": '{"openapi"',
            "/api/docs": "<!doctype html",
        }  # fmt: skip
        for path, begins in expected.items():
            answer = await http.get(path)
            assert answer.status_code == 200, path
            assert answer.text.lower().startswith(begins), path
        for path in ("/api/anything/api", "/api/v1.0/nothing", "/api/apifoo"):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


async def headers(stack: Stack) -> None:
    async with visiting(stack) as http:
        script = re.search(r"/assets/[^\"]+\.js", (await http.get("/")).text)
        assert script is not None
        for path in ("/", script[0], "/api", "/api/v1.0/session", "/api/nothing", "/assets/nothing.js"):
            answer = await http.get(path)
            policy = answer.headers.get_list("content-security-policy")
            assert len(policy) == 1, path
            assert "default-src 'none'" in policy[0]
            assert "unsafe" not in policy[0]
            assert answer.headers.get_list("x-content-type-options") == ["nosniff"], path
            assert not re.search(r"[\d.]{3}|sanic", answer.headers.get("server", "")), path
        assert "immutable" in (await http.get(script[0])).headers["cache-control"]
        assert (await http.get(script[0], headers={"Accept-Encoding": "gzip"})).headers["content-encoding"] == "gzip"


async def adminer(stack: Stack) -> None:
    """Signs in with what stands in `.env`, and sees the tables; another server than ours is refused."""
    async with visiting(stack) as http:
        page = (await http.get("/db/?pgsql=db")).text
        token = re.search(r"name='token' value='([^']*)'", page)
        assert token is not None
        form = {
            "auth[driver]": "pgsql", "auth[server]": "db", "auth[db]": "folkmoot", "auth[username]": "folkmoot",
            "auth[password]": stack.env["POSTGRES_PASSWORD"], "token": token[1],
        }  # fmt: skip
        answer = await http.post("/db/", data=form)
        assert answer.status_code == 302, answer.text
        tables = (await http.get(f"{answer.url.join(answer.headers['location'])}&ns=public")).text
        assert all(f">{table}<" in tables for table in ("events", "rooms", "users")), tables
        assert (await http.get("/db/?pgsql=redis:6379&username=folkmoot")).status_code == 403


async def two_who_talk(stack: Stack, token: str, room_id: int) -> None:
    async with listening(stack, token) as ada, listening(stack, token) as bob:
        numbers = [await say(ada, room_id, f"Message {number}") for number in range(5)]
        await until(lambda: bob.heard(f"room:{room_id}")[-5:] == numbers)
    async with visiting(stack, token) as http:
        events = (await http.get(f"/api/v1.0/rooms/{room_id}/events")).json()["events"]
        assert [event["seq"] for event in events if event["seq"] in numbers] == numbers


async def smuggling(stack: Stack) -> None:
    for name, sent in REFUSED.items():
        answers = await exchange(stack.port, sent)
        assert len(answers) <= 1, name
        assert all(answer.status in (400, 405, 501) for answer in answers), (name, answers)
    for name, sent in ONCE.items():
        assert len(await exchange(stack.port, sent)) == 1, name
    said = await asyncio.to_thread(stack.compose, "logs", "--no-log-prefix", "api", "ws")
    assert "/v1.0/smuggled" not in said


def test_nobody_is_root_and_nothing_can_be_written(stack: Stack) -> None:
    for service in ("nginx", "api", "ws", "db", "redis", "adminer"):
        for container in stack.ids(service):
            inspected = stack.inspect(container)
            assert inspected["State"].get("Health", {"Status": "healthy"})["Status"] == "healthy", service
            host = inspected["HostConfig"]
            assert host["ReadonlyRootfs"], service
            assert host["CapDrop"] == ["ALL"], service
            assert host["Memory"] > 0, service
            assert host["PidsLimit"] > 0, service
            assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "5"}
        assert stack.ask(service, "id", "-u").stdout.strip() not in ("", "0")
        assert stack.ask(service, "touch", "/written").returncode != 0


def test_the_databases_can_be_reached_by_the_servers_alone(stack: Stack) -> None:
    assert stack.compose("port", "nginx", "8080").strip() == f"127.0.0.1:{stack.port}"
    for service in ("api", "ws", "db", "redis", "adminer"):
        for container in stack.ids(service):
            assert not any(stack.inspect(container)["HostConfig"]["PortBindings"] or {}), service
    (database,) = stack.ids("db")
    (network,) = stack.inspect(database)["NetworkSettings"]["Networks"].values()
    reach = "exec 3<>/dev/tcp/$0/$1"
    assert stack.ask("api", "bash", "-c", reach, network["IPAddress"], "5432").returncode == 0
    for host in ("db", network["IPAddress"]):
        assert stack.ask("nginx", "timeout", "3", "bash", "-c", reach, host, "5432").returncode != 0
    assert not network["Gateway"] or stack.ask("db", "timeout", "3", "bash", "-c", reach, "192.0.2.1", "80").returncode


def test_a_server_reads_and_writes_and_does_not_know_the_owner_of_the_database(stack: Stack) -> None:
    said = stack.ask("api", "folkmoot", "doctor").stdout
    assert "folkmoot_server reads and writes, and may not change the schema" in said
    assert "publish/subscribe works" in said
    now = dict(line.split("=", 1) for line in (stack.folder / ".env").read_text().splitlines() if "=" in line)
    for service in ("api", "ws"):
        told = stack.ask(service, "env").stdout
        assert now["POSTGRES_SERVER_PASSWORD"] in told
        assert now["POSTGRES_PASSWORD"] not in told
    refused = stack.ask("api", "folkmoot", "migrate", "base", "--yes")
    assert (refused.returncode, "may not change it" in refused.stderr) == (1, True), refused.stderr
    assert stack.ask("redis", "redis-cli", "ping").stdout.strip() != "PONG"


async def test_a_conversation_goes_on_while_its_servers_are_started_anew(stack: Stack, token: str) -> None:
    room_id = await general(stack, token)
    async with listening(stack, token) as ada, listening(stack, token) as bob:
        numbers = [await say(ada, room_id, "Before")]
        for service in ("api", "ws"):
            restarting = asyncio.create_task(asyncio.to_thread(stack.compose, "restart", service))
            while not restarting.done():
                numbers.append(await say(ada, room_id, f"While {service} restarts"))
                await asyncio.sleep(0.2)
            await restarting
        numbers.append(await say(ada, room_id, "After"))
        await until(lambda: bob.heard(f"room:{room_id}")[-1:] == numbers[-1:], BACK_S)
        assert numbers == sorted(set(numbers))
        assert bob.heard(f"room:{room_id}") == list(range(numbers[0], numbers[-1] + 1))
        assert ada.times("connecting") > 1, "the restart of ws ended its socket, or nothing was proven"
    await well_again(stack)


async def test_what_was_acknowledged_is_there_after_postgresql_was_killed(stack: Stack, token: str) -> None:
    room_id = await general(stack, token)
    async with listening(stack, token) as ada:
        before = [await say(ada, room_id, f"Acknowledged {number}") for number in range(3)]
        await asyncio.to_thread(kill_nine, stack, "db")
        after = await say(ada, room_id, "When it is back")
    assert after == before[-1] + 1
    await well_again(stack)


def kill_nine(stack: Stack, service: str) -> None:
    """From outside, as the kernel would: `docker kill` would count as a wish that it stay away."""
    (container,) = stack.ids(service)
    os.kill(stack.inspect(container)["State"]["Pid"], signal.SIGKILL)


async def well_again(stack: Stack) -> None:
    async with asyncio.timeout(BACK_S), visiting(stack) as http:
        while (await http.get("/healthz")).status_code != 200:
            await asyncio.sleep(0.2)
    await asyncio.to_thread(stack.compose, "up", "-d", "--wait", "--no-build")  # until every container says so, too


async def test_the_database_takes_another_password_with_its_data(stack: Stack) -> None:
    def change() -> None:
        command = [sys.executable, "scripts/environment.py", "password"]
        done = subprocess.run(command, cwd=stack.folder, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        stack.compose("up", "-d", "--wait", "--no-build")

    await asyncio.to_thread(change)
    given = {"email": stack.env["API_ADMIN_EMAIL"], "password": stack.env["API_ADMIN_PASSWORD"]}
    async with visiting(stack) as http:
        assert (await http.post("/api/v1.0/user/auth", json=given)).status_code == 200
    for name in ("POSTGRES_PASSWORD", "POSTGRES_SERVER_PASSWORD"):
        assert f"{name}={stack.env[name]}\n" not in (stack.folder / ".env").read_text()


def test_files_belong_to_whom_env_says(stack: Stack) -> None:
    data = stack.folder / ".data" / "stack"
    owners = {path.stat().st_uid for path in [*data.glob("*"), *data.glob("redis/*"), *data.glob("postgres/*")]}
    assert owners == {int(stack.env["UID"])}


async def test_no_token_and_no_password_is_in_any_log(stack: Stack, token: str) -> None:
    async with visiting(stack) as http:
        for path in ("/ws", "/api/v1.0/session", "/nothing", "/apifoo"):
            await http.get(path, params={"token": token})
        for path in ("/ws", "/api/v1.0/session", "/nothing", "/apifoo", "/db/"):
            await http.get(path, headers={"Cookie": f"sid={token}", "Authorization": f"Bearer {token}"})
    said = (await asyncio.to_thread(stack.compose, "logs")).splitlines()
    assert len(said) > 50
    secrets = [token, *(stack.env[name] for name in stack.env if name.endswith("_PASSWORD"))]
    for secret in secrets:
        assert [line.replace(secret, "…") for line in said if secret in line] == []
