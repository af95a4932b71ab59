"""A data folder that cannot be used is refused in a sentence that says what to do."""

import contextlib
import os
import shutil
import subprocess
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from folkmoot.doctor import examine
from folkmoot.laptop import LaptopError, folder, servers
from folkmoot.settings import Settings
from tests.laptop.words import Holder, as_nobody, give_to_nobody, quietly

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk that is too small")


async def test_a_folder_we_cannot_write_to(tmp_path: Path, hold: Callable[..., Holder]) -> None:
    locked = give_to_nobody(tmp_path / "locked")
    locked.chmod(0o500)
    holder = hold(locked / "data", as_nobody())
    assert holder.process.wait(20) == 1
    said = holder.said()
    assert "Permission denied" in said
    assert "Make it writable for this user, or name another folder: FOLKMOOT_DATA=" in said


async def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    await refused_alike(
        tmp_path / "data" / "below", "disk", f"{tmp_path / 'data'} is not a folder. Name another folder"
    )
    await refused_alike(tmp_path / "data", "disk", "data: it is not a folder. Name another folder: FOLKMOOT_DATA=")
    with pytest.raises(LaptopError, match=r"cannot use its data folder .*data: it is not a folder"):
        await start(tmp_path / "data")


async def test_a_place_where_no_folder_can_be(tmp_path: Path) -> None:
    await refused_alike(Path("/proc/x"), "disk", "cannot use its data folder /proc/x: No such file or directory")
    (tmp_path / "data").symlink_to(tmp_path / "nowhere")
    await refused_alike(tmp_path / "data", "disk", "data: it is not a folder")


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Path]:
    """A folder that not even root can write to."""
    place = tmp_path / "sealed"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


@as_root
async def test_a_folder_that_nobody_can_write_to(sealed: Path) -> None:
    for data in (sealed, sealed / "data"):
        await refused_alike(data, "disk", f"cannot write to its data folder {data} (Read-only file system). Make it")


@as_root
async def test_a_lock_that_nobody_can_write_to(data: Path) -> None:
    lock = data / "lock"
    subprocess.run(["mount", "--bind", lock, lock], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", lock], check=True)
        await refused_alike(data, "disk", "(Read-only file system). Make it writable for this user")
    finally:
        subprocess.run(["umount", lock], check=True)


@as_root
async def test_a_database_that_belongs_to_somebody_else(data: Path, hold: Callable[..., Holder]) -> None:
    os.chown(data / "log", 65534, 65534)
    os.chown(data / "lock", 65534, 65534)
    os.chown(data, 65534, 65534)
    os.chown(data / "postgres", 1, 1)
    holder = hold(data, as_nobody())
    assert holder.process.wait(20) == 1
    assert "belongs to the user daemon, and you are nobody" in holder.said()


@as_root
async def test_a_database_that_root_copied(data: Path) -> None:
    os.chown(data / "postgres", 0, 0)
    await refused_alike(data, "PostgreSQL program", "belongs to root, as after a copy")
    with pytest.raises(LaptopError, match=r"belongs to root, as after a copy.*chown -R \w+ "):
        await start(data)


async def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 40, 1 << 40, 17 << 20))
    with pytest.raises(LaptopError, match=r"is full: 17 MB are free, 300 MB are needed. Free some space"):
        await start(tmp_path / "data")
    await refused_alike(tmp_path / "data", "disk", "17 MB are free, 300 MB are needed. Free some space")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@as_root
async def test_a_disk_that_fills_up_during_the_first_start(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LaptopError, match=r"is full: 19 MB are free|is full: 20 MB are free"):
        await start(small_disk / "data")
    monkeypatch.setattr(folder, "NEW_DATABASE_BYTES", 0)
    with pytest.raises(LaptopError, match=r"The disk that holds the data folder .* is full\. Free some space"):
        await start(small_disk / "data")
    assert not list((small_disk / "data").glob("postgres*"))


@as_root
async def test_a_disk_that_fills_up_before_a_later_start(
    data: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["mount", "-o", "remount,size=160m", small_disk], check=True)
    subprocess.run(["cp", "-a", data, small_disk / "data"], check=True)
    filler = small_disk / "filler"
    fill(filler)
    with pytest.raises(LaptopError, match=r"is full: 0 MB are free, 64 MB are needed"):
        await start(small_disk / "data")
    monkeypatch.setattr(folder, "RUNNING_BYTES", 0)
    with pytest.raises(LaptopError, match="is full"):
        await start(small_disk / "data")
    filler.unlink()
    async with servers(small_disk / "data", report=quietly):
        pass


def fill(file: Path) -> None:
    """Writes until the disk is full."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"\0" * 4096):
            continue


async def start(data: Path) -> None:
    async with servers(data, report=quietly):
        pass


async def refused_alike(data: Path, name: str, why: str) -> None:
    """`folkmoot up` does not start with it, and `folkmoot doctor` says the same of it before."""
    found = {finding.name: finding for finding in await examine(Settings(data=data))}
    with pytest.raises(LaptopError) as refusal:
        await start(data)
    assert not found[name].ok
    assert found[name].advice == str(refusal.value)
    assert why in str(refusal.value)
