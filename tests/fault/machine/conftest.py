"""A database on a disk of its own, with people in it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pydantic import SecretStr

from folkmoot.migrations import migrate
from tests.conftest import Start
from tests.fault.machine.database import database_in
from tests.fault.machine.disk import Disk, make_image, mounted
from tests.fault.machine.talk import Room
from tests.fault.machine.tools import run
from tests.people import enrol

DISK_MB = 400  # sparse: only what is written takes room

OpenDisk = Callable[..., AbstractContextManager[Disk]]
Serve = Callable[..., AbstractAsyncContextManager[object]]


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    """A folder that everybody may walk through, with a short path."""
    with TemporaryDirectory(prefix="fm") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="session")
async def made(ground: Path, start: Start) -> tuple[Path, Room]:
    """The image of a disk that holds a database with Ada and Bob in a room, and was unmounted in order."""
    image = ground / "made.img"
    make_image(image, DISK_MB)
    with mounted(image, ground / "made") as disk:
        async with database_in(disk.root / "data") as database:
            await migrate(database.dsn)
            async with (
                start(database_url=SecretStr(database.dsn)) as node,
                enrol(node, "Ada") as ada,
                enrol(node, "Bob") as bob,
            ):
                room_id = await ada.make_room()
                await bob.join(room_id)
                room = Room(room_id, ada.token, bob.token)
    return image, room


@pytest.fixture
def room(made: tuple[Path, Room]) -> Room:
    return made[1]


@pytest.fixture
def disk(made: tuple[Path, Room], ground: Path) -> Iterator[Disk]:
    """A copy of it, mounted."""
    image = ground / "disk.img"
    run("cp", "--sparse=always", made[0], image)
    try:
        with mounted(image, ground / "disk") as disk:
            yield disk
    finally:
        image.unlink()
