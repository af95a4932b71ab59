"""RFC 6455 by the Autobahn suite: its runner is kept outside the repository, and fetches the suite from PyPI."""

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

from tests.realtime.support import CHECKOUT, another_process

RUN = Path(os.environ.get("AUTOBAHN_RUN") or CHECKOUT.parent / "shared" / "autobahn" / "run")
CASES = 247
ARTEFACT = "10.1.1"  # of the suite's conversion to Python 3, not of the server

GOOD = {"OK", "INFORMATIONAL", "NON-STRICT"}

pytestmark = pytest.mark.skipif(
    not RUN.exists(),
    reason=f"the Autobahn suite is not here: put it at {RUN}, or name its runner in AUTOBAHN_RUN",
)


async def test_all_cases_pass() -> None:
    async with another_process() as (_, port):
        process = await asyncio.create_subprocess_exec(
            str(RUN), f"ws://127.0.0.1:{port}/ws", stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(300):
            output, _ = await process.communicate()
    assert process.returncode == 0
    summary, *failed = output.decode().splitlines()
    assert json.loads(summary)["ran"] == CASES
    assert [line for line in failed if not re.match(rf"{re.escape(ARTEFACT)} ", line)] == []
    assert all(line.split("'")[3] in GOOD for line in failed)
