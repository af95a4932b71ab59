"""Three services that greet, one container, and three lines."""

import sys
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from tests.conftest import Start
from tests.examples.programs import EXAMPLES, Program, program
from tests.people import Member, visiting

KINDS = ["flask", "fastapi", "node", "rest"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_service_greets_by_name(hellos: dict[str, Program], kind: str) -> None:
    answer = await hellos[kind].http.get("/hello/Gonzalo")
    assert (answer.status_code, answer.text) == (200, f"Hello Gonzalo from {kind} service")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (await hellos[kind].http.get("/hello/Zo%C3%AB%20%26%20co")).text == f"Hello Zoë & co from {kind} service"


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_not_there_is_not_there(hellos: dict[str, Program], kind: str) -> None:
    assert (await hellos[kind].http.get("/health")).status_code == 200
    assert (await hellos[kind].http.get("/hello/")).status_code == 404
    assert (await hellos[kind].http.post("/hello/Gonzalo")).status_code == 405


async def test_the_example_prints_the_three_lines(hellos: dict[str, Program], tmp_path: Path) -> None:
    path = services_at({kind: hellos[kind] for kind in ("flask", "fastapi", "node")}, tmp_path)
    assert await printed(path) == [
        "Hello Gonzalo from flask service",
        "Hello Gonzalo from fastapi service",
        "Hello Gonzalo from node service",
    ]


async def test_the_rest_service_takes_the_place_of_another_by_the_file_alone(
    hellos: dict[str, Program], tmp_path: Path
) -> None:
    path = services_at({"flask": hellos["rest"]}, tmp_path)
    assert (await printed(path))[0] == "Hello Gonzalo from rest service"


async def test_a_slash_command_asks_a_service_and_posts_its_answer(
    hellos: dict[str, Program], start: Start, ada: Member, tmp_path: Path
) -> None:
    path = services_at({"flask": hellos["flask"]}, tmp_path)
    async with start(services=path) as node, visiting(node, ada.token) as http:
        room_id = await ada.make_room()
        typed = {"text": "/hello Gonzalo", "client_id": str(uuid4())}
        ran = await http.post(f"/api/v1.0/rooms/{room_id}/commands", json=typed)
        assert ran.status_code == 200, ran.text
        events = (await http.get(f"/api/v1.0/rooms/{room_id}/events")).json()["events"]
        assert "Hello Gonzalo from flask service" in events[-1]["body"]


def services_at(programs: dict[str, Program], folder: Path) -> Path:
    """The file of the example, with the addresses of these programs."""
    services = yaml.safe_load((EXAMPLES / "hello" / "services.yaml").read_text())
    for kind, started in programs.items():
        services[kind]["base_uri"] = started.address
    path = folder / "services.yaml"
    path.write_text(yaml.safe_dump({kind: services[kind] for kind in programs}, sort_keys=False))
    return path


async def printed(path: Path) -> list[str]:
    root = str(EXAMPLES.parent)
    async with program("hello", sys.executable, "hello.py", str(path), "Gonzalo", PYTHONPATH=root) as asking:
        assert await asking.process.wait() == 0, asking.said
    return asking.said
