"""The whole stack, once for all tests that need it running."""

from collections.abc import Iterator

import pytest

from tests.stack.engine import engine
from tests.stack.stack import Stack, stack_of_a_server


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with engine(), stack_of_a_server(tmp_path_factory.mktemp("stack")) as running:
        yield running
