"""The wheel works without a checkout: it holds the pages and the migrations, or it is not built."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a wheel is built from, with nothing that is built."""
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT / "folkmoot", copy / "folkmoot", ignore=shutil.ignore_patterns("site", "__pycache__"))
    (copy / "scripts").mkdir()
    for name in (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        ".gitignore",
        "scripts/hatch_build.py",
    ):
        shutil.copy(ROOT / name, copy / name)
    return copy


def build(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", checkout]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_wheel_without_pages_is_refused(checkout: Path) -> None:
    result = build(checkout)
    assert result.returncode != 0
    assert "The pages of Folkmoot are not built" in result.stdout + result.stderr
    assert "make wheel" in result.stdout + result.stderr
    assert not list(checkout.glob("dist/*.whl"))


def test_a_wheel_holds_the_pages_and_the_migrations(checkout: Path) -> None:
    site = checkout / "folkmoot" / "site"
    (site / "assets").mkdir(parents=True)
    (site / "index.html").write_text("<!doctype html>")
    (site / "assets" / "app.js").write_text("")
    result = build(checkout)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = checkout.glob("dist/folkmoot-*-py3-none-any.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {"folkmoot/site/index.html", "folkmoot/site/assets/app.js", "folkmoot/migrations/env.py"} <= held
    source = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "folkmoot").rglob("*.py")
        if "site" not in file.relative_to(ROOT).parts
    }
    assert source <= held
    assert not [name for name in held if not name.startswith(("folkmoot/", "folkmoot-"))]
