"""Runs every check and every test, a part on each core and one more: most tests wait for something.

What a part says is printed when it ends, whole and under its name. All parts are run in any case; it ends with 1 if
one of them failed.
"""

import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

AT_ONCE = (os.cpu_count() or 1) + 1
LONGEST_S = 20 * 60.0  # a part that hangs has failed, and what it said tells where

PYTEST = (sys.executable, "-m", "pytest", "--durations=10")  # what takes long is seen
FAULTS = ("tests/fault",)
PROGRAMS = tuple(
    f"tests/{folder}"
    for folder in ("cli", "deploy", "e2e", "examples", "kubernetes", "laptop", "modules", "nginx", "packaging")
)
STACK = ("tests/stack",)
ENGINE = ("tests/realtime", "tests/sync", "tests/unit")
DOORS = tuple(
    f"tests/{folder}" for folder in ("data", "http", "incoming", "permissions", "rpc", "services", "slash", "webhooks")
)
REST = tuple(
    f"--ignore={folder}" for folder in (*FAULTS, *PROGRAMS, *STACK, *ENGINE, *DOORS)
)  # so that no new folder is forgotten

# In this order none is left to run alone at the end, with three at a time.
PARTS: Mapping[str, Sequence[str]] = {
    "tests of programs and pages": (*PYTEST, *PROGRAMS),
    "tests of faults": (*PYTEST, *FAULTS),
    "tests of the doors": (*PYTEST, *DOORS),
    "tests of the stack": (*PYTEST, *STACK, "-rs"),  # which says why, where it was not tried
    "tests of everything else": (*PYTEST, *REST),
    "tests of the engine": (*PYTEST, *ENGINE),
    "tests of the page": ("npm", "--prefix", "web", "test"),
    "checks": ("make", "--no-print-directory", "check"),
    "known holes of what is pinned": (sys.executable, "scripts/audit.py", "--where-told"),
}


# What one process compiles, the hundreds of others that tests start need not compile again.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass
class Part:
    name: str
    command: Sequence[str]
    said: bytearray = field(default_factory=bytearray)
    code: int | None = None  # None: it has not ended
    took_s: float = 0.0

    async def run(self) -> None:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *self.command, env=ENVIRONMENT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_S):
                    while some := await process.stdout.read(1 << 16):
                        self.said += some
                    self.code = await process.wait()
        finally:
            self.took_s = time.monotonic() - began
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGTERM)

    def tell(self) -> None:
        sys.stdout.write(f"\n===== {self.name}: {shlex.join(self.command)}\n\n{self.said.decode(errors='replace')}\n")
        sys.stdout.flush()

    def __str__(self) -> str:
        outcome = {None: "did not end", 0: "passed"}.get(self.code, f"failed with {self.code}")
        return f"{self.name}: {outcome} after {self.took_s:.0f} s"


async def run_all(parts: Sequence[Part]) -> None:
    free = asyncio.Semaphore(AT_ONCE)

    async def in_turn(part: Part) -> None:
        async with free:
            print(f"{part.name} began", flush=True)
            try:
                await part.run()
            finally:
                part.tell()

    whole = asyncio.current_task()
    assert whole is not None  # noqa: S101 - we are in one
    async with asyncio.TaskGroup() as group:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, whole.cancel)
        for part in parts:
            group.create_task(in_turn(part))


def main() -> int:
    parts = [Part(name, command) for name, command in PARTS.items()]
    try:
        asyncio.run(run_all(parts))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("It was stopped.")
    print("\n===== " + "\n===== ".join(map(str, parts)))
    return 0 if all(part.code == 0 for part in parts) else 1


if __name__ == "__main__":
    sys.exit(main())
