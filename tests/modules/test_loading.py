"""Modules of `FOLKMOOT_MODULES`: found, loaded beside ours, and never able to keep the others from starting."""

import sys
from pathlib import Path

import pytest

from folkmoot.errors import CommandFailed
from folkmoot.loading.modules import load_modules
from folkmoot.loading.places import locate
from folkmoot.settings import Settings, load_settings
from tests.conftest import Start
from tests.modules.written import ACTIONS, ROUTES, write_module
from tests.people import assert_problem, enrol, visiting


def with_modules(*modules: Path | str, strict: bool = False) -> Settings:
    return load_settings(api_mode="dev", modules=tuple(map(str, modules)), modules_strict=strict)


async def test_a_folder_becomes_a_module_with_all_its_doors(start: Start, tmp_path: Path) -> None:
    folder = write_module(tmp_path / "words")
    async with start(modules=(str(folder),)) as node, enrol(node, "Ada") as ada:
        for path in ("/api/v1.0/words/say", "/v1.0/words/say", "/v1.0/actions/words/say"):
            assert (await ada.http.post(path, json={"word": "hi"})).json() == {"said": "hi"}
        assert (await ada.http.get("/api/v1.0/words/words/hi")).json() == {"said": "hi"}
        assert (await ada.http.get("/readyz")).json() == {"ready": True, "database": True, "accepting": True}
        described = (await ada.http.get("/openapi.json")).json()["paths"]
        assert "get" in described["/api/v1.0/words/words/{word}"]
        assert "post" in described["/api/v1.0/actions/words/say"]


async def test_a_package_is_named_by_dots(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_module(tmp_path / "ours_for_tests" / "words")
    (tmp_path / "ours_for_tests" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    async with start(modules=("ours_for_tests.words",)) as node, enrol(node, "Ada") as ada:
        assert (await ada.http.post("/v1.0/words/say", json={"word": "hi"})).json() == {"said": "hi"}
    assert sys.modules["ours_for_tests.words.actions"].__file__ == str(
        tmp_path / "ours_for_tests" / "words" / "actions.py"
    )


def test_a_module_needs_neither_routes_nor_init(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    (folder / "actions.py").write_text(ACTIONS)
    modules = load_modules(with_modules(folder))
    assert modules.failures == []
    assert modules.registry.find("words.say").about == "Says the word."
    assert modules.registry.find("words.").method == "words."


# What is wrong with a module: the files that make it so, the line that is named, and what is said.
SYNTAX = "from folkmoot.actions import Call\n\ndef broken(:\n"
COMMAND = """
from folkmoot.actions import Call, Nothing, action
from folkmoot.slash.said import Said

say = None


#
@action(command="NAME")
async def wave(call: Call, given: Nothing) -> Said:
    return Said(body="waves")
"""
STRANGE = ACTIONS.replace(
    "    word: str", "    model_config = {'arbitrary_types_allowed': True}\n    word: str\n    file: type(action)"
)
WRONG = {
    "syntax": ({"actions": SYNTAX}, "actions.py:3", "SyntaxError"),
    "raises": ({"actions": "import os\n\nraise RuntimeError('no luck')\n"}, "actions.py:3", "RuntimeError: no luck"),
    "exits": ({"actions": "import sys\n\n\nsys.exit(3)\n"}, "actions.py:4", "SystemExit: 3"),
    "imports": ({"actions": "\nimport nothing_of_that_name\n"}, "actions.py:2", "nothing_of_that_name"),
    "below": ({"actions": "from . import store\n", "store": "\n\n1 / 0\n"}, "store.py:3", "ZeroDivisionError"),
    "empty": ({"actions": "", "routes": "ROUTES = ()"}, "", "declares no action"),
    "no types": (
        {"actions": "from folkmoot.actions import action\n\n\n@action()\nasync def say(call, given):\n    pass\n"},
        "actions.py:4", "say must read: async def say",
    ),
    "bad name": ({"actions": ACTIONS.replace('@action(name="")', '@action(name="a/b")')}, "actions.py:15", "its name"),
    "no JSON": (
        {"actions": ACTIONS.replace("-> bool", "-> complex")}, "actions.py:15", "cannot be written as JSON",
    ),
    "input": ({"actions": STRANGE}, "actions.py:23", "cannot be described"),
    "elsewhere": ({"routes": ROUTES.format(name="rooms")}, "", "begin with /v1.0/words"),
    "not a path": ({"routes": ROUTES.format(name="words").replace("/words/{", "/wo rds<>/{")}, "", "is not a path"),
    "no field": ({"routes": ROUTES.format(name="words").replace("{word}", "{wort}")}, "", "a field of Word"),
    "twice": ({"routes": ROUTES.format(name="words").replace(",)", ",) * 2")}, "", "listed twice"),
    "no answer": (
        {"actions": ACTIONS.replace("@action()", "@action(command='words')")}, "actions.py:21", "must return Said",
    ),
    "taken": ({"actions": COMMAND.replace("NAME", "help"), "routes": "ROUTES = ()"}, "actions.py:9", "/help is both"),
    "no command": (
        {"actions": COMMAND.replace("NAME", "No"), "routes": "ROUTES = ()"}, "actions.py:9", "must be a small letter",
    ),
    "jobs": ({"jobs": "\n\nraise RuntimeError('no job')\n"}, "jobs.py:3", "no job"),
    "no list": ({"routes": "ROUTES = None\n"}, "actions.py", "TypeError"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_with_its_file_and_line(tmp_path: Path, wrong: str) -> None:
    files, where, says = WRONG[wrong]
    folder, other = write_module(tmp_path / "words", **files), write_module(tmp_path / "others")
    modules = load_modules(with_modules(folder, other))
    (failure,) = modules.failures
    assert failure.name == "words"
    assert says in failure.says
    assert failure.where == (str(folder / where) if where else "")
    assert {module.name for module in modules.loaded} >= {"rooms", "others"}
    assert "words.say" not in modules.registry.actions


async def test_the_product_starts_without_what_cannot_be_loaded_and_says_so(start: Start, tmp_path: Path) -> None:
    broken, whole = write_module(tmp_path / "broken", actions=SYNTAX), write_module(tmp_path / "words")
    async with start(modules=(str(broken), str(whole))) as node, enrol(node, "Ada") as ada, visiting(node) as http:
        assert (await ada.http.post("/v1.0/words/")).json() is True
        assert_problem(await ada.http.post("/v1.0/actions/broken/say", json={}), 404, "unknown_method")
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["ready"], ready.json()["modules"]) == (200, True, False)
        assert str(tmp_path) not in ready.text, "where things lie is nobody's business but the operator's"


async def test_a_strict_operator_gets_all_or_nothing(start: Start, tmp_path: Path) -> None:
    folder = write_module(tmp_path / "broken", actions=SYNTAX)
    with pytest.raises(CommandFailed, match=r"'broken' is not loaded: SyntaxError.*actions.py:3"):
        async with start(modules=(str(folder),), modules_strict=True):
            pass


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        (["rooms"], "Folkmoot has a module 'rooms' of its own"),
        (["actions"], "Folkmoot has a module 'actions' of its own"),
        (["all"], "Folkmoot has a module 'all' of its own"),
        (["words", "deeper/words"], "is a module of that name already"),
        (["words", "words"], "is a module of that name already"),
        (["My-Words"], "small letters"),
        (["0words"], "small letters"),
        (["gone/"], "there is no folder"),
        (["bare"], "there is no actions.py"),
    ],
)
def test_names_must_be_free_and_plain(tmp_path: Path, entries: list[str], says: str) -> None:
    for entry in entries:
        if entry == "bare":
            (tmp_path / entry).mkdir()
        elif entry != "gone/":
            write_module(tmp_path / entry)
    places, (failure,) = locate([str(tmp_path / entry) + ("/" if entry.endswith("/") else "") for entry in entries])
    assert says in failure.says
    assert len(places) == len(entries) - 1


@pytest.mark.parametrize("entry", ["nothing_of_that_name", "nothing.of.that.name", "json.decoder", "..", "a b"])
def test_what_is_not_there_is_said(entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    places, (failure,) = locate([entry])
    assert places == []
    assert failure.says
