"""The wheel works without a checkout: it holds the pages and the migrations, or it is not built."""

import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.ports import free_port

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
    command: list[str | Path] = [sys.executable, "-m", "build", "--wheel", "--no-isolation", checkout]
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


def test_an_installed_wheel_starts_in_an_empty_folder(checkout: Path, tmp_path: Path) -> None:
    (checkout / "folkmoot" / "site").mkdir()
    (checkout / "folkmoot" / "site" / "index.html").write_text("<!doctype html><title>Built</title>")
    built = build(checkout)
    assert built.returncode == 0, built.stdout + built.stderr
    folkmoot = install(next(checkout.glob("dist/*.whl")), tmp_path / "venv")
    empty = tmp_path / "empty"
    empty.mkdir()
    port = free_port()
    environment = {"PATH": "/usr/bin:/bin", "FOLKMOOT_PORT": str(port), "HOME": str(tmp_path)}
    up = subprocess.Popen(
        [folkmoot, "up"], cwd=empty, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert '"world!"' in answer(up, f"http://127.0.0.1:{port}/api")
        assert "Built" in answer(up, f"http://127.0.0.1:{port}/")
    finally:
        up.send_signal(signal.SIGINT)
        said, _ = up.communicate(timeout=30)
    assert up.returncode == 0
    assert f"http://localhost:{port}" in said
    assert [path.name for path in empty.iterdir()] == [".data"]


def install(wheel: Path, venv: Path) -> Path:
    """Installs the wheel alone; what it depends on is what the tests run with. Returns the command."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    site = next((venv / "lib").glob("python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--ignore-installed", wheel], check=True)
    where: list[str | Path] = [venv / "bin" / "python", "-c", "import folkmoot; print(folkmoot.__file__)"]
    imported = subprocess.run(where, cwd=venv, capture_output=True, text=True, check=True).stdout
    assert imported.startswith(str(site))
    return venv / "bin" / "folkmoot"


def answer(up: subprocess.Popen[str], address: str) -> str:
    """What the server answers, as soon as it does."""
    request = urllib.request.Request(address, headers={"Accept": "text/html"})  # noqa: S310
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                body: bytes = response.read()
                return body.decode()
        except OSError:  # nobody is there yet, or they are too busy to answer
            assert up.poll() is None, up.communicate()[0]
            time.sleep(0.05)
    raise AssertionError("it did not answer")
