"""Slash commands that ask a service of the container."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx
import pytest

from folkmoot.services import BadServices
from folkmoot.slash.commands import BadCommand
from tests.conftest import Start
from tests.people import Member, assert_problem, visiting


class Flask:
    """A service that greets, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        self.asked.append(path)
        name = unquote(path.rpartition("/")[2])
        status = {"nobody": "404 Not Found", "boom": "500 Oops"}.get(name, "200 OK")
        body = f"Hello {name} from flask service".encode()
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def flask() -> AsyncIterator[Flask]:
    service = Flask()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    yield service
    server.close()


def services(folder: Path, port: int, commands: str) -> Path:
    path = folder / "services.yaml"
    path.write_text(f"flask:\n  base_uri: http://127.0.0.1:{port}\n  retries: 0\n  commands:\n{commands}")
    return path


HELLO = '    hello: {path: "/hello/{text}", about: Says hello.}\n    ping: {path: "/by/{user}"}\n'


@pytest.fixture
async def room(ada: Member) -> int:
    return await ada.make_room()


@pytest.fixture
async def here(start: Start, ada: Member, flask: Flask, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Ada, on a node whose operator has given commands to the service."""
    async with start(services=services(tmp_path, flask.port, HELLO)) as node, visiting(node, ada.token) as http:
        yield http


async def typed(http: httpx.AsyncClient, room: int, text: str) -> httpx.Response:
    return await http.post(f"/v1.0/rooms/{room}/commands", json={"text": text, "client_id": str(uuid4())})


async def test_hello_gonzalo(here: httpx.AsyncClient, room: int) -> None:
    answer = await typed(here, room, "/hello Gonzalo")
    assert answer.json()["event"]["body"] == "/hello Gonzalo\nHello Gonzalo from flask service"


async def test_what_is_typed_is_one_part_of_the_path(here: httpx.AsyncClient, room: int, flask: Flask) -> None:
    answer = await typed(here, room, "/hello Zoë & Co?x=1#y")
    assert answer.json()["event"]["body"].endswith("Hello Zoë & Co?x=1#y from flask service")
    assert flask.asked == ["/hello/Zo%C3%AB%20%26%20Co%3Fx%3D1%23y"]
    for text in ("..", "../admin", "a/b", "%2e%2e", "a\\b", "."):
        problem = assert_problem(await typed(here, room, f"/hello {text}"), 400, "invalid")
        assert "The service cannot be asked that" in problem["detail"]
    assert len(flask.asked) == 1


async def test_the_usage_is_kept(here: httpx.AsyncClient, room: int, flask: Flask) -> None:
    assert (await typed(here, room, "/ping")).json()["event"]["body"] == "/ping\nHello Ada from flask service"
    asked = len(flask.asked)
    for text, says in (
        ("/hello", "It takes a text. Usage: /hello TEXT"),
        ("/ping x", "It takes no text. Usage: /ping"),
    ):
        assert assert_problem(await typed(here, room, text), 400, "invalid")["detail"] == says
    assert len(flask.asked) == asked


async def test_it_is_listed(here: httpx.AsyncClient) -> None:
    listed = (await here.get("/v1.0/commands")).json()["commands"]
    assert {"name": "hello", "usage": "/hello TEXT", "about": "Says hello."} in listed
    assert {"name": "ping", "usage": "/ping", "about": "Asks the service flask."} in listed


@pytest.mark.parametrize(
    ("name", "status", "code"), [("nobody", 502, "service_refused"), ("boom", 502, "service_failed")]
)
async def test_a_refusal_of_the_service_is_told_to_the_caller_alone(
    here: httpx.AsyncClient, room: int, name: str, status: int, code: str
) -> None:
    problem = assert_problem(await typed(here, room, f"/hello {name}"), status, code)
    assert problem["detail"].startswith("The service flask ")
    await nothing_posted(here, room)


async def test_a_dead_service_is_told_to_the_caller_alone(
    start: Start, ada: Member, room: int, tmp_path: Path, free_port: int
) -> None:
    async with start(services=services(tmp_path, free_port, HELLO)) as node, visiting(node, ada.token) as http:
        problem = assert_problem(await typed(http, room, "/hello Gonzalo"), 503, "service_away")
        assert problem["detail"] == "The service flask does not answer."
        await nothing_posted(http, room)


async def nothing_posted(http: httpx.AsyncClient, room: int) -> None:
    events: list[dict[str, Any]] = (await http.get(f"/v1.0/rooms/{room}/events")).json()["events"]
    assert [event["kind"] for event in events] == ["created"]


async def test_a_clash_with_an_action_stops_the_start_and_names_both(start: Start, tmp_path: Path) -> None:
    clashing = services(tmp_path, 1, '    help: {path: "/"}\n')
    with pytest.raises(BadCommand, match=r"/help is both the action commands\.describe and the service flask"):
        async with start(services=clashing):
            pass


@pytest.mark.parametrize(
    ("commands", "says"),
    [
        ('    hello: {path: "hello"}\n', r"services\.yaml:5: flask\.commands\.hello\.path must be a path"),
        ('    hello: {path: "/{name}"}\n', "must hold no other braces"),
        ('    hello: {path: "/{"}\n', "must hold no other braces"),
        ('    hello: {path: "/../{text}"}\n', "must not lead to another folder"),
        ("    hello: {about: x}\n", r"flask\.commands\.hello\.path is missing"),
        ('    Hello: {path: "/"}\n', r"flask\.commands\.Hello must be a small letter"),
        ('    hello: {paht: "/"}\n', "is it 'path'"),
    ],
)
async def test_a_mistake_in_the_file_is_named_with_its_line(
    start: Start, tmp_path: Path, commands: str, says: str
) -> None:
    with pytest.raises(BadServices, match=says):
        async with start(services=services(tmp_path, 1, commands)):
            pass
