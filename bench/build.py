"""Compiles the C programs, when they are older than their sources."""

import asyncio
import shutil
from pathlib import Path

HERE = Path(__file__).parent
OUT = HERE / ".build"
PROGRAMS = {"load": ("load.c", "conns.c", "lines.c", "messages.c"), "limit": ("limit.c",)}
OPTIONS = ("-O2", "-march=native", "-Wall", "-Wextra")


class NoCompiler(Exception):
    """The message says what to install."""


async def build() -> None:
    """Raises NoCompiler, or RuntimeError with what the compiler said."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler(
            "The load generator is written in C, and there is no C compiler here.\n"
            "Install one (Debian and Ubuntu: apt-get install gcc libc6-dev) and run the benchmark again."
        )
    OUT.mkdir(exist_ok=True)
    newest = max(path.stat().st_mtime for path in (*HERE.glob("*.c"), *HERE.glob("*.h")))
    for name, sources in PROGRAMS.items():
        program = OUT / name
        if program.exists() and program.stat().st_mtime > newest:
            continue
        command = [compiler, *OPTIONS, "-o", str(program), *(str(HERE / source) for source in sources)]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{said.decode()}")
