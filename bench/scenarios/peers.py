"""The same fan-out beside other servers: npm's `ws` and `socket.io`, and Bun's."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.build import HERE
from bench.processes import SERVER_CORE, program
from bench.results import Row, at_least, middle
from bench.scenarios.fanout import Contenders, race
from bench.stack import Server, Stack

FOLDER = HERE / "peers"
BUN = FOLDER / "node_modules" / "@oven" / "bun-linux-x64" / "bin" / "bun"
MUST = {"ws": 1.0, "socket.io": 1.0, "Bun": 0.9}
SUBSCRIBERS = 1000


async def run(stack: Stack) -> list[Row]:
    missing = await _install()
    if missing:
        return [Row(f"beside other servers: {missing}", 0, "")]
    contenders: Contenders = {
        "folkmoot": stack.folkmoot,
        "ws": lambda: _peer(stack, "ws", "node", "plain", "/"),
        "socket.io": lambda: _peer(stack, "socketio", "node", "socketio", "/socket.io/?EIO=4&transport=websocket"),
        "Bun": lambda: _peer(stack, "bun", str(BUN), "plain", "/"),
    }
    rows = []
    for in_flight in (1, 16):
        measured = await race(stack, contenders, SUBSCRIBERS, in_flight)
        ours = middle(measured["folkmoot"])
        for name, must in MUST.items():
            what = f"ephemeral, {SUBSCRIBERS:,} subscribers, {in_flight} in flight"
            rows.append(at_least(what, ours, "deliveries/s", middle(measured[name]), name, must))
    return rows


async def _install() -> str:
    """Installs the peers as their lock file says. Returns why they are not there, if they are not."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "there is no Node.js here (apt-get install nodejs npm)"
    if (FOLDER / "node_modules" / ".package-lock.json").exists():
        return ""
    installing = await asyncio.create_subprocess_exec(
        npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(installing.communicate(), 300)
    return "" if installing.returncode == 0 else f"npm ci failed: {said.decode()[-300:]}"


@asynccontextmanager
async def _peer(stack: Stack, name: str, runtime: str, speak: str, path: str) -> AsyncIterator[Server]:
    command: list[str | Path] = [runtime, FOLDER / f"{name}.js"]
    async with program(command, core=SERVER_CORE, errors=stack.errors(name), cwd=FOLDER) as started:
        yield Server(started, int((await started.hear())["port"]), speak, path)
