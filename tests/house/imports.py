"""Who imports whom, read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Import(NamedTuple):
    importer: str
    imported: str


def module_of(path: Path, root: Path) -> str:
    parts = list(path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, importer: str) -> Iterator[Import]:
    """Every import of our own modules in a file: also inside functions and under TYPE_CHECKING, also by name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(importer, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                base = importer.split(".")[: -node.level or None]
                module = ".".join([*base, module]).rstrip(".")
            yield Import(importer, module)
            yield from (Import(importer, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (Import(importer, str(name.value)) for name in node.args if isinstance(name, ast.Constant))


def all_imports(root: Path) -> list[Import]:
    """Those of every file of the package below `root`."""
    return [
        found
        for path in sorted((root / "folkmoot").rglob("*.py"))
        for found in imports_of(path.read_text(), module_of(path, root))
        if found.imported.startswith("folkmoot")
    ]


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def broken_rules(found: Import) -> Iterator[str]:
    """The rules of the house that an import breaks, by name."""
    if is_in(found.importer, "folkmoot.realtime") and any(
        is_in(found.imported, f"folkmoot.{part}") for part in ("modules", "http", "events")
    ):
        yield "realtime knows nothing of chat"
    if is_in(found.imported, "folkmoot.app") and found.importer not in (
        "folkmoot.commands",
        "folkmoot.cli",
        "folkmoot.app",
        "folkmoot.testing.node",
    ):
        yield "nothing imports the composition root but the command line"
    parts = found.imported.split(".")
    is_store = found.imported.startswith("folkmoot.modules.") and "store" in parts[3:4]
    if is_store and not is_in(found.importer, ".".join(parts[:3])):
        yield "a module's store is its own"
    if is_in(found.importer, "folkmoot.modules") and any(
        is_in(found.imported, f"folkmoot.{part}") for part in ("http", "cli", "commands", "app")
    ):
        yield "modules know nothing of their doors"
    if is_in(found.importer, "folkmoot.laptop") and is_in(found.imported, "folkmoot.modules"):
        yield "the laptop's servers know nothing of chat"


SQL_WORDS = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "DROP TABLE ", "ALTER TABLE ")
WHERE_SQL_IS = (
    "folkmoot.events.store",
    "folkmoot.migrations",
    "folkmoot.backups",
    "folkmoot.data.tables",
    "folkmoot.database",
    "folkmoot.doctor",
    "folkmoot.laptop",
)


def sql_outside_stores(source: str, module: str) -> list[str]:
    """The statements in a module that is no store. Sentences that only begin like one are not statements."""
    if any(is_in(module, place) for place in WHERE_SQL_IS) or module.endswith(".store"):
        return []
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [text for text in texts if isinstance(text, str) and text.lstrip().startswith(SQL_WORDS)]
