"""The requirements are pinned, hashed, and the same everywhere; the examples name settings that exist."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import AliasChoices, AliasPath

from folkmoot.settings import Settings

ROOT = Path(__file__).parent.parent.parent
REQUIREMENTS = ROOT / "requirements"
PINNED = sorted(REQUIREMENTS.glob("*.txt"))


def requirements(file: Path) -> list[str]:
    """The requirements of a file, each with its hashes on one line."""
    text = re.sub(r"\\\n\s*", "", file.read_text())
    return [line for line in text.splitlines() if line and not line.lstrip().startswith(("#", "-c"))]


def test_every_list_is_pinned() -> None:
    assert {file.stem for file in PINNED} == {file.stem for file in REQUIREMENTS.glob("*.in")}


@pytest.mark.parametrize("file", PINNED, ids=lambda file: file.name)
def test_every_requirement_is_one_version_with_hashes(file: Path) -> None:
    for requirement in requirements(file):
        assert re.match(r"^[a-z0-9.-]+(\[[a-z,]+\])?==\S+ ", requirement), requirement
        assert "--hash=sha256:" in requirement


@pytest.mark.parametrize("file", sorted(REQUIREMENTS.iterdir()), ids=lambda file: file.name)
def test_no_file_holds_an_index_address(file: Path) -> None:
    assert not re.search(r"://|--index|--extra-index|--find-links", file.read_text())


def test_the_server_needs_the_same_in_both_places() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sorted(requirements(REQUIREMENTS / "base.in")) == sorted(project["dependencies"])


def test_development_has_the_same_versions_as_the_server() -> None:
    def versions(name: str) -> dict[str, str]:
        return dict(line.split()[0].split("==") for line in requirements(REQUIREMENTS / name))

    base, dev = versions("base.txt"), versions("dev.txt")
    assert {name: dev[name] for name in base.keys() & dev.keys()} == {
        name: base[name] for name in base.keys() & dev.keys()
    }
    wheel = versions("wheel.txt")
    assert {name: dev.get(name, wheel[name]) for name in wheel} == wheel


def test_the_wheel_is_built_with_the_builder_that_is_pinned() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]
    assert build["requires"][0] in (REQUIREMENTS / "dev.in").read_text().splitlines()


def test_the_example_names_settings_that_exist() -> None:
    known = {_variable(name): field for name, field in Settings.model_fields.items()}
    named = re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert named
    assert {name for name, _ in named} - known.keys() == set()


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    assert not isinstance(alias, AliasChoices | AliasPath)
    return alias or name.upper()
