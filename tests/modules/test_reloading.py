"""In development a module follows its files; what cannot be loaded leaves what was there."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from folkmoot.loading import watching
from tests.conftest import Start
from tests.modules.written import ACTIONS, ROUTES, write_module
from tests.people import enrol


async def eventually(http: httpx.AsyncClient, path: str, wanted: Any, **more: Any) -> None:
    """Posts until it is answered so."""
    async with asyncio.timeout(20):
        while True:
            answer = await http.post(path, **more)
            if answer.json() == wanted:
                return
            await asyncio.sleep(0.05)


async def test_a_changed_module_is_there_at_once_with_its_addresses(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[str] = []
    monkeypatch.setattr(watching.log, "exception", lambda event, **_: faults.append(event), raising=False)
    folder = write_module(tmp_path / "words")
    async with start(modules=(str(folder),), api_mode="dev") as node, enrol(node, "Ada") as ada:
        given = {"json": {"word": "hi"}}
        await eventually(ada.http, "/v1.0/words/say", {"said": "hi"}, **given)
        assert (await ada.http.get("/v1.0/words/words/hi")).status_code == 200
        write_module(
            folder,
            actions=ACTIONS.replace("said=given.word", "said=given.word.upper()"),
            routes=ROUTES.format(name="words").replace("words/words", "words/others"),
        )
        await eventually(ada.http, "/v1.0/words/say", {"said": "HI"}, **given)
        assert (await ada.http.get("/v1.0/words/others/hi")).json() == {"said": "HI"}
        assert (await ada.http.get("/v1.0/words/words/hi")).status_code == 404
        assert (await ada.http.get("/v1.0/rooms")).status_code == 200
        assert "/api/v1.0/words/others/{word}" in (await ada.http.get("/openapi.json")).json()["paths"]
    assert faults == []


async def test_a_mistake_leaves_what_was_there_until_it_is_put_right(start: Start, tmp_path: Path) -> None:
    folder = write_module(tmp_path / "words")
    async with start(modules=(str(folder),), api_mode="dev") as node, enrol(node, "Ada") as ada:
        (folder / "actions.py").write_text("def broken(:\n")
        async with asyncio.timeout(20):
            while "modules" not in (await ada.http.get("/readyz")).json():
                await asyncio.sleep(0.05)
        assert (await ada.http.post("/v1.0/words/say", json={"word": "hi"})).json() == {"said": "hi"}
        write_module(folder, actions=ACTIONS.replace("said=given.word", "said='again'"))
        await eventually(ada.http, "/v1.0/words/say", {"said": "again"}, json={"word": "hi"})
        assert "modules" not in (await ada.http.get("/readyz")).json()


async def test_a_table_that_is_added_is_there(start: Start, tmp_path: Path, database: Any) -> None:
    folder = write_module(tmp_path / "growing")
    async with start(modules=(str(folder),), api_mode="dev") as node, enrol(node, "Ada") as ada:
        (folder / "migrations").mkdir()
        (folder / "migrations" / "0001_plants.py").write_text(
            'from alembic import op\n\nrevision = "0001"\ndown_revision = None\n\n\n'
            'def upgrade():\n    op.execute("CREATE TABLE growing_plants (name text)")\n'
        )
        async with asyncio.timeout(20):
            while not await database.fetchval("SELECT to_regclass('growing_plants') IS NOT NULL"):
                await asyncio.sleep(0.05)
        await eventually(ada.http, "/v1.0/growing/", True)
    await database.execute("DROP TABLE growing_plants, folkmoot_module_growing")


async def test_in_production_nothing_is_reloaded(start: Start, tmp_path: Path) -> None:
    folder = write_module(tmp_path / "words")
    async with start(modules=(str(folder),), api_mode="production") as node:
        watching = [task for task in asyncio.all_tasks() if task.get_name() == "modules-watch"]
        assert watching == []
    async with start(modules=(str(folder),), api_mode="dev") as node:
        assert [task for task in asyncio.all_tasks() if task.get_name() == "modules-watch"]
        assert node.port
