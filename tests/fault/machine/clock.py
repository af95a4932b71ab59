"""A clock that can be put wrong, for one process and what it starts. Time that only passes goes on as it should."""

from collections.abc import Mapping
from pathlib import Path

from tests.fault.machine.tools import MachineForbids


class Clock:
    def __init__(self, file: Path) -> None:
        self._file = file
        self.shift(0)
        file.chmod(0o644)

    def shift(self, seconds: int) -> None:
        """Within a second the clock is wrong by so much."""
        self._file.write_text(f"{seconds:+d}\n")

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes a process look at this clock."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    @property
    def command(self) -> tuple[str, ...]:
        """The same, to stand before a command."""
        return ("env", *(f"{name}={value}" for name, value in self.environment.items()))


def _library() -> Path:
    for library in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return library
    raise MachineForbids("Missing here: libfaketime. `make test` installs it on Debian and Ubuntu.")
