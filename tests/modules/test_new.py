"""`folkmoot module`: what it makes works, and what is there stays."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from folkmoot.doctor import examine
from folkmoot.errors import CommandFailed
from folkmoot.scaffold import make_module
from folkmoot.settings import Settings
from tests.modules.written import write_module


@pytest.mark.parametrize(
    "name", ["", "Shop", "my-shop", "1shop", "_shop", "a" * 41, "../shop", "a/b", "a b", "é", "rooms", "actions", "all"]
)
def test_a_name_that_cannot_be_one_makes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandFailed):
        make_module(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "full folder", "file", "link"])
def test_what_is_there_is_never_overwritten(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "shop"
    if kind == "file":
        there.write_text("mine")
    elif kind == "link":
        there.symlink_to(tmp_path / "nowhere")
    else:
        there.mkdir()
        if kind == "full folder":
            (there / "actions.py").write_text("mine")
    with pytest.raises(CommandFailed, match="is there already"):
        make_module("shop", tmp_path)
    if kind == "full folder":
        assert (there / "actions.py").read_text() == "mine"
        assert [path.name for path in there.iterdir()] == ["actions.py"]


WITHOUT = ("-p", "no:asyncio", "-p", "no:schemathesis", "-p", "no:cacheprovider")  # what is not theirs


async def pytest_of(folder: Path, checkout: Path) -> "subprocess.CompletedProcess[str]":
    """Runs the tests of modules as their developer does, far from our checkout; each warning is a failure."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FOLKMOOT_", "PYTEST_"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-p",
        "no:asyncio",
        "-p",
        "no:schemathesis",
        str(folder),
    ]
    return await asyncio.to_thread(
        subprocess.run, command, cwd=folder, capture_output=True, text=True, timeout=300, check=False,
        env=environment | {"PYTHONPATH": str(checkout)},
    )  # fmt: skip


async def test_the_test_of_what_is_made_fails_when_it_is_wrong(tmp_path: Path, checkout: Path) -> None:
    """That it passes when it is right, the developer's guide proves."""
    actions = make_module("shop", tmp_path) / "actions.py"
    actions.write_text(actions.read_text().replace("Hello", "Bye"))
    tested = await pytest_of(tmp_path, checkout)
    assert "1 failed, 2 passed" in tested.stdout, tested.stdout + tested.stderr
    assert "FAILED shop/test_shop.py::test_it_greets - " in tested.stdout


async def test_the_doctor_says_what_is_wrong(settings: Settings, tmp_path: Path) -> None:
    assert "modules" not in {finding.name for finding in await examine(settings)}
    whole, broken = write_module(tmp_path / "words"), write_module(tmp_path / "broken", actions="1 / 0\n")
    given = settings.model_copy(update={"modules": (str(whole), str(broken)), "modules_strict": True})
    loaded, failed = (finding for finding in await examine(given) if finding.name == "modules")
    assert (loaded.ok, loaded.says) == (True, "words besides Folkmoot's own")
    assert not failed.ok
    assert "broken/actions.py:1" in failed.says
    assert failed.advice
