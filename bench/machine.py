"""What the numbers were measured on. Neither its name nor its address."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("asyncpg", "msgspec", "picows", "redis", "sanic", "uvloop")


def describe(servers: list[str]) -> dict[str, str]:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "processor": f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores",
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "?",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "servers": ", ".join(servers),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
    }


def kind() -> str:
    """A few words for the name of a file."""
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    words = re.sub(r"[^a-z0-9]+", "-", (found[1] if found else platform.machine()).lower()).strip("-")
    return f"{words}-{os.cpu_count()}-cores"
