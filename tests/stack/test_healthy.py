"""The health check of the containers."""

import asyncio
import sys

from folkmoot.app import Node
from tests.conftest import Start
from tests.http.test_health import LineAndAddress
from tests.ports import free_port
from tests.stack.files import ROOT

CHECK = ROOT / "deploy" / "docker" / "healthy.py"


async def check(port: int) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-IS", CHECK, env={"FOLKMOOT_PORT": str(port)}, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_a_server_that_is_ready_is_well(node: Node) -> None:
    status, said = await check(node.port)
    assert status == 0
    assert '"ready":true' in said


async def test_one_without_its_database_is_not(start: Start, postgres_relay: LineAndAddress) -> None:
    relay, dsn = postgres_relay
    async with start(database_url=dsn, database_wait_s=0.2) as node:
        await relay.cut()
        status, said = await check(node.port)
        assert status == 1
        assert '"database":false' in said
        await relay.mend()


async def test_one_that_is_not_there_is_not(node: Node) -> None:
    status, said = await check(free_port())
    assert status == 1
    assert "refused" in said
