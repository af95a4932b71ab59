"""Credentials of services: read from where the file of services says, and never shown."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from folkmoot.services.nodes import Place
from folkmoot.services.schema import Credentials, SecretPlace


class NoSecret(Exception):
    """There is no secret where one should be; `place` says which."""

    def __init__(self, place: Place, says: str) -> None:
        super().__init__(says)
        self.place = place


def header_of(credentials: Credentials, environment: Mapping[str, str], folder: Path) -> tuple[str, str]:
    """The header that carries the credentials. Files are found from `folder`. Raises NoSecret."""

    def secret(place: SecretPlace, *where: str) -> str:
        return _checked(_read(place, where, environment, folder), where)

    if credentials.bearer:
        return "Authorization", f"Bearer {secret(credentials.bearer, 'bearer')}"
    if credentials.basic:
        password = secret(credentials.basic.password, "basic", "password")
        pair = b64encode(f"{credentials.basic.user}:{password}".encode()).decode()
        return "Authorization", f"Basic {pair}"
    assert credentials.header, "the schema wants one of the three"  # noqa: S101 - for the type checker
    return credentials.header.name, secret(credentials.header.value, "header", "value")


def _read(place: SecretPlace, where: Place, environment: Mapping[str, str], folder: Path) -> str:
    if place.env is not None:
        if found := environment.get(place.env):
            return found
        raise NoSecret((*where, "env"), f"names {place.env}, which is not set")
    path = folder / (place.file or "")
    try:
        return path.read_text().strip()
    except OSError as error:
        raise NoSecret((*where, "file"), f"names {path}, which cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NoSecret((*where, "file"), f"names {path}, which is not text") from None


def _checked(secret: str, where: Place) -> str:
    if not secret or not secret.isascii() or not secret.isprintable():
        raise NoSecret(where, "must be one line of plain ASCII, and not empty")
    return secret
