"""Stopping has a bound that holds whatever hangs."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from folkmoot.stopping import Stopped, stopping, unless

STUBBORN = """
import asyncio, os, signal, time
from folkmoot.stopping import stopping

async def main():
    async with stopping(0.3) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        time.sleep(30)  # not even the loop goes on

asyncio.run(main())
"""


def test_a_process_that_hangs_when_it_is_asked_to_stop_says_where_and_exits() -> None:
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", STUBBORN], capture_output=True, text=True, timeout=20, check=False)
    assert time.monotonic() - began < 10
    assert ended.returncode == 1
    assert "in main" in ended.stderr


async def test_a_block_that_ends_in_time_goes_on() -> None:
    async with stopping(0.05) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
    await asyncio.sleep(0.2)  # past the bound


async def test_what_is_not_done_when_we_are_asked_to_stop_is_given_up() -> None:
    stop, given_up = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            given_up.set()
            raise
        return "done"

    asyncio.get_running_loop().call_later(0.01, stop.set)
    with pytest.raises(Stopped):
        await unless(stop, work())
    assert given_up.is_set()


async def test_what_is_done_before_is_given_and_what_fails_is_raised() -> None:
    async def well() -> str:
        return "done"

    async def badly() -> None:
        raise ValueError("no")

    assert await unless(asyncio.Event(), well()) == "done"
    with pytest.raises(ValueError, match="no"):
        await unless(asyncio.Event(), badly())
