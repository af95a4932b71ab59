"""Layers stay layers: the import rules of the design, and that a breach would be seen."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.imports import Import, all_imports, broken_rules, imports_of, module_of, sql_outside_stores


def test_no_import_breaks_a_rule(checkout: Path) -> None:
    found = all_imports(checkout)
    assert len(found) > 200, "for this test to mean anything, it must see imports"
    breaches = [(one.importer, one.imported, rule) for one in found for rule in broken_rules(one)]
    assert breaches == []


@pytest.mark.parametrize(
    ("importer", "source", "rule"),
    [
        ("folkmoot.realtime.hub", "from folkmoot.modules.rooms import actions", "realtime knows nothing of chat"),
        ("folkmoot.realtime.hub", "import folkmoot.modules.rooms.store", "realtime knows nothing of chat"),
        ("folkmoot.realtime.hub", "def f():\n    from ..modules import rooms", "realtime knows nothing of chat"),
        ("folkmoot.realtime.hub", "import_module('folkmoot.modules.rooms')", "realtime knows nothing of chat"),
        (
            "folkmoot.modules.messages.actions",
            "from folkmoot.modules.rooms import store",
            "a module's store is its own",
        ),
        ("folkmoot.modules.messages.actions", "from ..rooms.store import find", "a module's store is its own"),
        ("folkmoot.gate", "from folkmoot.modules.sessions import store", "a module's store is its own"),
        ("folkmoot.core", "from folkmoot.app import Node", "nothing imports the composition root but the command line"),
        ("folkmoot.core", "from folkmoot import app", "nothing imports the composition root but the command line"),
        ("folkmoot.modules.rooms.actions", "from folkmoot.http import api", "modules know nothing of their doors"),
    ],
)
def test_a_planted_breach_is_seen(importer: str, source: str, rule: str) -> None:
    assert rule in {broken for found in imports_of(source, importer) for broken in broken_rules(found)}


def test_what_is_allowed_is_not_a_breach() -> None:
    for allowed in (
        Import("folkmoot.modules.rooms.actions", "folkmoot.modules.rooms.store"),
        Import("folkmoot.modules.messages.actions", "folkmoot.modules.rooms.actions"),
        Import("folkmoot.modules.messages.actions", "folkmoot.events.store"),
        Import("folkmoot.commands", "folkmoot.app"),
        Import("folkmoot.realtime.hub", "folkmoot.realtime.codes"),
    ):
        assert list(broken_rules(allowed)) == []


def test_sql_is_in_the_stores(checkout: Path) -> None:
    outside = {}
    for path in sorted((checkout / "folkmoot").rglob("*.py")):
        if found := sql_outside_stores(path.read_text(), module_of(path, checkout)):
            outside[str(path.relative_to(checkout))] = found
    # The probe of readiness asks nothing of any table.
    assert outside.pop("folkmoot/app.py", ["SELECT 1"]) == ["SELECT 1"]
    assert outside == {}


def test_planted_sql_is_seen() -> None:
    assert sql_outside_stores('x = """\n  SELECT id FROM users\n"""', "folkmoot.modules.rooms.actions")
    assert sql_outside_stores("x = f'DELETE FROM {table}'", "folkmoot.http.api")
    assert not sql_outside_stores("x = 'SELECT 1'", "folkmoot.modules.rooms.store")


def test_no_statement_is_made_by_formatting(checkout: Path) -> None:
    """Statements are constants; values go in as parameters."""
    stores = [*(checkout / "folkmoot").rglob("store.py")]
    assert len(stores) >= 4
    for path in stores:
        made = [
            ast.unparse(node)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Attribute) and node.attr == "format")
        ]
        assert made == [], path


def test_the_contracts_of_the_import_linter_hold(checkout: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_every_module_has_the_one_shape(checkout: Path) -> None:
    for folder in sorted((checkout / "folkmoot" / "modules").iterdir()):
        if folder.is_dir() and not folder.name.startswith("_"):
            names = {path.name for path in folder.glob("*.py")}
            assert {"__init__.py", "actions.py", "routes.py", "schemas.py"} <= names, folder.name
