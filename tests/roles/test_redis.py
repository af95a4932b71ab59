"""In the stack, servers are a user of Redis who may touch our keys and channels, by the commands we use (S34)."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from folkmoot.bus import Bus
from folkmoot.doctor.redis import look_at_redis
from folkmoot.laptop.binaries import find_valkey
from folkmoot.modules.sessions.keeper import forget_everybody
from tests.conftest import Start
from tests.people import browsing, enrol
from tests.ports import free_port
from tests.realtime.python_client import using
from tests.realtime.test_echo import echo, ticket_of
from tests.realtime.test_sdk_python import message
from tests.realtime.wire import until

PASSWORD = "one of $its own #and/strange"
ADDRESS = re.compile(r"[^\w-]")

# What somebody who has taken a server over would try. `{mine}` is a key of theirs.
NEVER = [
    "CONFIG GET *", "CONFIG SET dir /tmp", "CONFIG REWRITE", "FLUSHALL", "FLUSHDB", "KEYS *", "RANDOMKEY",
    "ACL LIST", "ACL SETUSER default on nopass +@all", "ACL WHOAMI", "REPLICAOF 127.0.0.1 1",
    "SCRIPT FLUSH", "SCRIPT KILL", "EVAL return 0", "FUNCTION FLUSH", "MODULE LIST", "MONITOR", "SHUTDOWN NOSAVE",
    "CLIENT LIST", "CLIENT KILL TYPE normal", "CLUSTER RESET", "MIGRATE 127.0.0.1 1 x 0 1", "SWAPDB 0 1", "SELECT 1",
    "RENAME folkmoot:a folkmoot:b", "DUMP folkmoot:a", "RESTORE folkmoot:a 0 x", "SORT folkmoot:a", "OBJECT HELP",
    "SET other 1", "MGET other", "DEL other", "MGET folkmoot:a other", "PUBLISH other x", "SUBSCRIBE other",
    "PSUBSCRIBE *", "PUBSUB CHANNELS", "PSUBSCRIBE folkmoot:*",
]  # fmt: skip


@dataclass(frozen=True)
class Guarded:
    """A Redis as the stack starts it."""

    port: int
    log: Path

    def url(self, user: str = "folkmoot", password: str = PASSWORD) -> str:
        escaped = ADDRESS.sub(lambda found: f"%{ord(found[0]):02x}", password)
        return f"redis://{user}:{escaped}@127.0.0.1:{self.port}/0"

    def client(self, user: str = "folkmoot", password: str = PASSWORD) -> Redis:
        return Redis.from_url(self.url(user, password), decode_responses=True)


@pytest.fixture(scope="module")
async def guarded(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    """What the container runs, with Valkey under the name that Redis has there; and a user who may look at it all."""
    folder = tmp_path_factory.mktemp("redis")
    (folder / "redis-server").symlink_to(find_valkey().path)
    env = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "TMPDIR": str(folder),
        "REDIS_PASSWORD": PASSWORD,
        "REDIS_USERS": str(checkout / "deploy" / "redis" / "users.conf"),
    }
    one = Guarded(free_port(), folder / "log")
    options = ["--port", str(one.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    seer = ["--user", "tests", "on", "nopass", "~*", "&*", "+@all"]
    with one.log.open("w") as log:
        process = await asyncio.create_subprocess_exec(
            checkout / "deploy" / "redis" / "start.sh", *options, *seer, env=env, stdout=log, stderr=log
        )
        try:
            await until(lambda: "Ready to accept connections" in one.log.read_text())
            yield one
        finally:
            process.terminate()
            await process.wait()
    shutil.rmtree(folder)


async def denied(seer: Redis) -> list[tuple[str, str]]:
    return [(str(entry["reason"]), str(entry["object"])) for entry in await seer.acl_log()]


async def test_people_talk_across_two_servers_and_nothing_they_need_is_denied(start: Start, guarded: Guarded) -> None:
    own = {"redis_url": SecretStr(guarded.url()), "actions_per_s": 1_000, "actions_burst": 1_000}
    async with guarded.client("tests") as seer, start(**own) as here, start(**own) as there:
        assert here.core.bus.is_up
        assert there.core.bus.is_up
        async with enrol(here, "Ada") as ada, enrol(here, "Bob") as bob, browsing(there) as browser:
            wrong = await browser.http.post("/api/v1.0/session", json={"email": bob.email, "password": "wrong"})
            assert wrong.status_code == 401
            await browser.sign_in(bob.email)
            room = await ada.make_room()
            await bob.join(room)
            channel = f"room:{room}"
            async with using(here.port, ada.token) as one, using(there.port, bob.token) as other:
                await one.connect()
                await other.connect()
                await one.subscribe(channel)
                await other.client.publish(channel, message("hello"))
                await until(lambda: len(one.heard_itself(channel)) == 1)
                await until_seen(one.client, channel, {str(ada.id), str(bob.id)})
            async with echo(there, await ticket_of(ada)) as socket:
                await socket.send("over there")
                assert await socket.recv() == "I've received: over there"
            assert (await browser.http.delete("/api/v1.0/session")).status_code == 204
            await forget_everybody(here.core.bus)
        assert (await look_at_redis(guarded.url())).ok
        assert await denied(seer) == []
        used = {name.removeprefix("cmdstat_") for name in await seer.info("commandstats")}
        assert {"evalsha", "publish", "hset", "getdel", "mget", "time", "scan", "smembers", "unlink"} <= used


async def until_seen(client: object, channel: str, users: set[str]) -> None:
    async with asyncio.timeout(10):
        while True:
            seen = await client.presence(channel)  # type: ignore[attr-defined]  # the SDK's
            if {each.user for each in seen.clients.values()} == users:
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("command", NEVER)
async def test_what_a_server_never_does_is_denied(guarded: Guarded, command: str) -> None:
    words = [*command.split(), *(["0"] if command.startswith("EVAL") else [])]
    async with guarded.client() as server:
        with pytest.raises(NoPermissionError):
            await server.execute_command(*words)


async def test_a_script_may_do_no_more_than_who_runs_it(guarded: Guarded) -> None:
    async with guarded.client() as server:
        for script in ("return redis.call('FLUSHALL')", "return redis.call('GET', 'other')"):
            digest = await server.script_load(script)
            with pytest.raises(RedisError, match=r"(?i)permission|acl"):
                await server.evalsha(digest, 0)


@pytest.mark.parametrize(("user", "password"), [("folkmoot", "wrong"), ("default", ""), ("default", PASSWORD)])
async def test_nobody_else_is_let_in(guarded: Guarded, user: str, password: str) -> None:
    async with guarded.client(user, password) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.ping()
    bus = Bus(guarded.url(user, password))
    with suppress(TimeoutError):
        await bus.start()
    assert not bus.is_up
    await bus.close()


def test_the_password_is_in_no_command_line_and_no_log(guarded: Guarded) -> None:
    started = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(PASSWORD.encode() in line for line in started)
    assert PASSWORD not in guarded.log.read_text()
    (config,) = guarded.log.parent.glob("redis.conf")
    assert PASSWORD not in config.read_text()
    assert config.stat().st_mode & 0o077 == 0


def test_kubernetes_has_the_same_users(checkout: Path) -> None:
    stack, component = checkout / "deploy" / "redis", checkout / "deploy" / "kubernetes" / "components" / "redis"
    for name in ("users.conf", "start.sh"):
        assert (stack / name).read_text() == (component / name).read_text(), name
