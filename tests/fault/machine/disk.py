"""A disk of a test's own: ext4 in a file. Its power can be cut."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from tests.fault.machine.tools import need, run

# The journal is written by itself only every five minutes: what is on the disk at a cut is there because somebody
# has asked for it with fsync, not because the moment was lucky.
OPTIONS = "loop,commit=300"
ROUND_BYTES = 4 << 20  # what dd fills, so that not one block is left
FSCK_FINE = (0, 1)  # clean, or made clean


class Disk:
    """A mounted image."""

    def __init__(self, image: Path, root: Path) -> None:
        self.image = image
        self.root = root

    def snapshot(self, to: Path) -> None:
        """Copies what has reached the disk so far, and nothing of what is still in memory: a cut of the power.

        Whoever writes to it must be frozen. The kernel may write on its own meanwhile, and then the copy would be of
        two moments: it is taken again.
        """
        while True:
            before = self._written()
            run("cp", "--sparse=always", self.image, to)
            if self._written() == before:
                return
            sleep(0.05)

    def _written(self) -> tuple[str, ...]:
        """How much has been written to the disk, and how many writes are on their way."""
        device = Path(run("findmnt", "-n", "-o", "SOURCE", self.root).strip()).name
        figures = Path(f"/sys/block/{device}/stat").read_text().split()
        return figures[4], figures[6], figures[8]


def fill(root: Path) -> Path:
    """Takes all the room that there is; the file can be removed again."""
    filler = root / "filler"
    if (most := shutil.disk_usage(root).free - ROUND_BYTES) > 0:
        run("fallocate", "-l", str(most), filler)
    run("dd", "if=/dev/zero", f"of={filler}", "bs=512", "oflag=append", "conv=notrunc", fine=(1,))
    assert shutil.disk_usage(root).free == 0
    return filler


def make_image(image: Path, size_mb: int) -> None:
    """An empty file system; blocks that only root might use are left out."""
    need("mkfs.ext4")
    run("truncate", "-s", f"{size_mb}M", image)
    run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)


def repair(image: Path) -> None:
    """What a machine does when it starts after a cut."""
    run("fsck.ext4", "-p", image, fine=FSCK_FINE)


@contextmanager
def mounted(image: Path, root: Path) -> Iterator[Disk]:
    need("mount", "losetup")
    root.mkdir()
    run("mount", "-o", OPTIONS, image, root)
    try:
        yield Disk(image, root)
    finally:
        run("umount", root)
        root.rmdir()
