from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from folkmoot.services import Service, Services

Named = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a file of services."""

    def write_file(text: str) -> Path:
        path = tmp_path / "services.yaml"
        path.write_text(text)
        return path

    return write_file


@pytest.fixture
def named(write: Callable[[str], Path]) -> Named:
    """A service named `it`, described by a file: `async with named(address, retries=0) as service`."""

    @asynccontextmanager
    async def open_service(address: str, **keys: object) -> AsyncIterator[Service]:
        lines = "".join(f"  {key}: {value}\n" for key, value in keys.items())
        async with Services.of_file(write(f"it:\n  base_uri: {address}\n{lines}")) as services:
            yield services["it"]

    return open_service
