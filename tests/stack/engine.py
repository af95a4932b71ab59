"""A Docker engine: the one that answers here, or one that we start and end."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ANSWER_S = 20
START_S = 40
BASES = ("python:3.13-slim", "node:22-slim", "postgres:18", "redis:8", "nginx:1.29", "adminer:5")


def answers() -> bool:
    """Whether an engine does, with Compose."""
    for command in (("docker", "info"), ("docker", "compose", "version")):
        try:
            done = subprocess.run(command, capture_output=True, timeout=ANSWER_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if done.returncode:
            return False
    return True


@contextmanager
def engine() -> Iterator[None]:
    """Skips, and says why, where there is no engine and none can be started, or images can be had from nowhere."""
    if answers():
        _need_bases()
        yield
    elif os.getuid() or not shutil.which("dockerd"):
        pytest.skip("No Docker engine with Compose answers here, and none can be started: the stack was not tried.")
    else:
        with _started():
            _need_bases()
            yield


@contextmanager
def _started() -> Iterator[None]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(["dockerd"], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            began = time.monotonic()
            while not answers():
                if process.poll() is not None or time.monotonic() - began > START_S:
                    said.seek(0)
                    last = said.read().decode(errors="replace").strip().splitlines()[-1:]
                    pytest.skip(f"dockerd does not start here, so the stack was not tried: {' '.join(last)}")
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait(60)


def _need_bases() -> None:
    for image in BASES:
        there = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
        if (
            there.returncode
            and subprocess.run(["docker", "pull", "-q", image], capture_output=True, check=False).returncode
        ):
            pytest.skip(f"The image {image} is not here and cannot be pulled: the stack was not tried.")


def copy_of(checkout: Path, folder: Path) -> None:
    """What somebody needs of a checkout to run the stack, in a folder with a `.env` and data of its own."""
    for path in checkout.glob("compose*.yaml"):
        shutil.copy(path, folder)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".dockerignore"):
        shutil.copy(checkout / name, folder)
    built = shutil.ignore_patterns("site", "node_modules", "__pycache__", ".vite*")
    for name in ("deploy", "folkmoot", "requirements", "scripts", "web"):
        shutil.copytree(checkout / name, folder / name, ignore=built)
