"""The REST service behind nginx, by the configuration beside it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.examples.programs import EXAMPLES, START_S, Program, answers, program
from tests.ports import free_port

OWN = EXAMPLES.parent / ".tools" / "nginx" / "usr" / "sbin" / "nginx"


def nginx() -> str:
    found = shutil.which("nginx", path="/usr/sbin:/usr/local/bin:/opt/homebrew/bin") or shutil.which("nginx")
    return found or str(OWN)


@asynccontextmanager
async def behind_nginx(address: str, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """nginx with the configuration of the example, but for the two ports."""
    port = free_port()
    conf = (EXAMPLES / "rest-service" / "nginx.conf").read_text()
    assert conf.count("127.0.0.1:5004") == conf.count("127.0.0.1:8080") == 1
    conf = conf.replace("127.0.0.1:5004", address.removeprefix("http://")).replace(
        "127.0.0.1:8080", f"127.0.0.1:{port}"
    )
    (folder / "nginx.conf").write_text(conf)
    (folder / "run").mkdir()
    command = (nginx(), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;")
    async with program("rest-service", *command) as running:
        running.http.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        async with asyncio.timeout(START_S):
            while not await answers(running, "/"):
                assert running.process.returncode is None, running.said
                await asyncio.sleep(0.02)
        yield running.http


async def test_it_passes_requests_on_as_they_are(hellos: dict[str, Program], tmp_path: Path) -> None:
    async with behind_nginx(hellos["rest"].address, tmp_path) as http:
        assert (await http.get("/")).json() == {"message": "Hello, Being!"}
        assert (await http.get("/hello/Zo%C3%AB%20%26%20co")).text == "Hello Zoë & co from rest service"
        made = await http.post("/greetings", json={"name": "Gonzalo"})
        assert (made.status_code, made.json()) == (201, {"message": "Hello, Gonzalo!"})
        assert (await http.get("/swagger/ui")).status_code == 200
        assert (await http.get("/nothing")).json().keys() == {"message", "errors"}


async def test_its_own_refusals_have_the_same_shape(hellos: dict[str, Program], tmp_path: Path) -> None:
    async with behind_nginx(hellos["rest"].address, tmp_path) as http:
        large = await http.post("/greetings", json={"name": "x" * 70_000})
        assert (large.status_code, large.json()) == (413, {"message": "The body is too large.", "errors": {}})
        assert large.headers["content-type"] == "application/json"


async def test_while_the_service_is_away_it_says_so(tmp_path: Path) -> None:
    async with behind_nginx(f"http://127.0.0.1:{free_port()}", tmp_path) as http:
        away = await http.get("/")
        assert (away.status_code, away.json()) == (503, {"message": "The service does not answer.", "errors": {}})
