"""What must be written down is, and says what the code says."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

from folkmoot import __version__
from folkmoot.errors import Error
from folkmoot.http.openapi import describe
from folkmoot.modules import BUILT_IN
from folkmoot.routes import load_routes
from folkmoot.settings import Settings
from folkmoot.settings.environment import variable
from scripts.settings_reference import PAGE, page


def subclasses(kind: type[Error]) -> list[type[Error]]:
    return [kind, *(one for below in kind.__subclasses__() for one in subclasses(below))]


def test_every_setting_is_on_its_page() -> None:
    assert PAGE.read_text() == page(), "Run `python scripts/settings_reference.py`."
    for name, field in Settings.model_fields.items():
        assert f"| `{variable(name, field)}` |" in PAGE.read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_is_and_does_something(name: str, checkout: Path) -> None:
    assert Settings.model_fields[name].description
    users = [path for path in (checkout / "folkmoot").rglob("*.py") if re.search(rf"\.{name}\b", path.read_text())]
    assert users, "a setting that nothing reads promises what it does not keep"


def test_the_version_is_the_same_everywhere(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (checkout / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert newest, "the changelog has no entry"
    assert newest[1] == __version__


def test_the_tree_of_errors_in_the_docs_of_errors_is_the_tree() -> None:
    drawn = ast.get_docstring(ast.parse(Path(str(__import__("folkmoot.errors").errors.__file__)).read_text())) or ""
    for kind in subclasses(Error):
        if kind.__module__ == "folkmoot.errors" and "code" in vars(kind):
            assert re.search(rf"\b{kind.__name__} +{kind.code}\b", drawn), kind


def test_codes_of_errors_are_unique() -> None:
    codes = [kind.code for kind in subclasses(Error) if "code" in vars(kind)]
    assert len(codes) >= 15
    assert len(set(codes)) == len(codes)


def test_the_page_is_built_against_the_document_of_this_server(checkout: Path) -> None:
    kept = json.loads((checkout / "web" / "openapi.json").read_text())
    assert kept == json.loads(json.dumps(describe(load_routes(BUILT_IN)))), (
        "Run `python -m folkmoot openapi > web/openapi.json`, then `npm --prefix web run generate`."
    )


def test_every_module_says_what_it_is_for(checkout: Path) -> None:
    for path in (checkout / "folkmoot").rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path
