"""This machine: its settings, programs, disk, port and pages."""

import sys
from collections.abc import Callable
from pathlib import Path

import folkmoot
from folkmoot.doctor.finding import Finding, reason
from folkmoot.laptop import LaptopError
from folkmoot.laptop.account import choose_account
from folkmoot.laptop.binaries import Binary, find_postgres, find_valkey
from folkmoot.laptop.folder import Folder, free_bytes, locate, usable
from folkmoot.laptop.port import another_port, port_holder, port_is_free
from folkmoot.settings import Settings
from folkmoot.settings.unknown import unknown_settings

DISK_BYTES = 1 << 30
OLDEST_PYTHON = (3, 11)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def look_at_settings(settings: Settings) -> Finding:
    says = f"API_MODE={settings.api_mode}, people open {settings.public_url}"
    if settings.host not in LOOPBACK and not settings.secure_cookies and settings.api_mode == "production":
        return Finding(
            "settings", False, f"{says}, and FOLKMOOT_HOST={settings.host} is open to all without TLS",
            "Put a proxy with TLS before it and set FOLKMOOT_URL=https://…, or set FOLKMOOT_HOST=127.0.0.1.",
        )  # fmt: skip
    return Finding("settings", True, says)


def look_at_unknown_settings() -> list[Finding]:
    """One for each variable that looks like a setting and is none; an older version may be given a newer file."""
    return [
        Finding("settings", True, f"{name} is no setting", f"Is it {nearest}?" if nearest else "Nothing reads it.")
        for name, nearest in unknown_settings(Settings.model_fields).items()
    ]


def look_at_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= OLDEST_PYTHON
    return Finding("Python", ok, f"{version} in {sys.prefix}", "" if ok else "Install Python 3.11 or newer.")


def look_at_programs(settings: Settings) -> list[Finding]:
    """What `folkmoot up` would start; nothing where an address is given instead."""
    wanted = []
    if not settings.dsn:
        wanted.append(_binary("PostgreSQL program", find_postgres, locate(settings.data)))
    if not settings.redis_dsn:
        wanted.append(_binary("Valkey program", find_valkey, locate(settings.data)))
    return wanted


def _binary(name: str, find: Callable[[], Binary], data: Folder) -> Finding:
    try:
        binary = find()
    except LaptopError as error:
        return Finding(name, False, "there is none", str(error))
    try:
        choose_account(data, binary.path)
    except LaptopError as error:
        return Finding(name, False, f"{binary.path} cannot run with {data.root}", str(error))
    return Finding(name, True, f"{binary.title} from the {binary.source}: {binary.path}")


def look_at_disk(settings: Settings) -> Finding:
    """Whether `folkmoot up` takes the data folder, and it has room. With both databases elsewhere, it takes any."""
    data = locate(settings.data)
    try:
        free = free_bytes(data) if settings.dsn and settings.redis_dsn else usable(data)
    except LaptopError as error:
        return Finding("disk", False, f"{data.root} cannot be the data folder", str(error))
    says = f"{free / (1 << 30):.1f} GB free for {data.root}"
    if free < DISK_BYTES:
        return Finding("disk", False, says, "Free some space: a full disk stops the database.")
    return Finding("disk", True, says)


def look_at_port(settings: Settings, *, is_ours: bool) -> Finding:
    where = f"{settings.host}:{settings.port}"
    try:
        free = port_is_free(settings.host, settings.port)
    except OSError as error:
        return Finding("port", False, f"{where} cannot be used: {reason(error)}", "Check FOLKMOOT_HOST and _PORT.")
    if free:
        return Finding("port", True, f"{where} is free")
    holder = port_holder(settings.port)
    if is_ours:
        return Finding("port", True, f"{where} is in use by {holder}; Folkmoot runs with this data folder")
    other = another_port(settings.host, settings.port)
    return Finding("port", False, f"{where} is in use by {holder}", f"Stop that program, or set FOLKMOOT_PORT={other}.")


def look_at_site(settings: Settings) -> Finding:
    if not settings.serve_site:
        return Finding("site", True, "served elsewhere (FOLKMOOT_SERVE_SITE=false)")
    site = settings.site or Path(folkmoot.__file__).parent / "site"
    if (site / "index.html").is_file():
        return Finding("site", True, f"built, in {site}")
    return Finding("site", False, f"there is no built page in {site}", "Run `make site`, or set FOLKMOOT_SITE.")
