"""Jobs that are taken at once, and tried again at once."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from folkmoot.jobs import engine


@contextmanager
def hurry() -> Iterator[pytest.MonkeyPatch]:
    """Delays as short as a test's patience, until it is over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "POLL_S", 0.05)
        patch.setattr(engine, "delay_s", lambda attempt, first_s, longest_s: 0.02)
        yield patch
