"""The keys of a laptop: nobody sets them there, so they are made once and kept beside the databases."""

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from folkmoot.errors import CommandFailed
from folkmoot.keys import new_key, read_keys
from folkmoot.settings import Settings


def with_kept_keys(settings: Settings, *, make: bool) -> Settings:
    """The settings with the keys of a laptop, if they name none: out of a file of the data folder that only its owner
    reads. It is made once, if `make`.
    """
    if settings.keys.get_secret_value():
        return settings
    file = settings.data / "keys"
    try:
        if make and not file.exists():
            _make(file)
        kept = file.read_text() if file.exists() else ""
        read_keys(kept)
    except OSError as error:
        raise CommandFailed(f"Cannot use {file}, the keys of secrets of accounts: {error.strerror}.") from None
    except ValueError as error:
        raise CommandFailed(f"Cannot read {file}, the keys of secrets of accounts: {error}.") from None
    return settings.model_copy(update={"keys": SecretStr(kept)})


def _make(file: Path) -> None:
    """Writes a new key so that there is a whole file or none, whoever else starts at the same time."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = file.with_name(f"keys.{secrets.token_hex(4)}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(f"{new_key()}\n")
        opened.flush()
        os.fsync(descriptor)
    try:
        os.link(unfinished, file)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
