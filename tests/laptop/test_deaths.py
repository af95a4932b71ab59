"""Nothing that dies at the wrong moment keeps the next start from working, or loses anything."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from folkmoot.laptop import LaptopError, servers
from tests.laptop.words import (
    Holder,
    alive,
    as_nobody,
    give_to_nobody,
    gone,
    quietly,
    remember,
    remembered,
    servers_of,
)


async def test_killing_folkmoot_stops_its_servers_and_keeps_the_data(
    data: Path, hold: Callable[[Path], Holder]
) -> None:
    holder = hold(data)
    await remember(holder.started(), "acknowledged")
    children = holder.children()
    assert {"postgres", "valkey-server"} <= {child.name() for child in children}
    holder.kill()
    await gone(children)
    async with servers(data, report=quietly) as started:
        assert await remembered(started) == ["acknowledged"]


async def test_a_start_right_after_a_kill_does_not_wait_long(data: Path, hold: Callable[[Path], Holder]) -> None:
    holder = hold(data)
    await remember(holder.started(), "acknowledged")
    holder.kill()
    began = time.monotonic()
    async with servers(data, report=quietly) as started:
        assert time.monotonic() - began < 10
        assert await remembered(started) == ["acknowledged"]


async def test_orphans_whose_guardians_died_too_are_stopped_by_the_next_start(
    data: Path, hold: Callable[[Path], Holder]
) -> None:
    holder = hold(data)
    await remember(holder.started(), "acknowledged")
    children = holder.children()
    guardians = [child for child in children if child.name() == "sh"]
    assert len(guardians) == 2
    orphans = [child for child in children if child not in guardians]
    holder.process.send_signal(signal.SIGSTOP)  # or it would start to stop in order
    for guardian in guardians:
        guardian.kill()
    holder.kill()
    try:
        await asyncio.sleep(0.2)
        assert alive(orphans) == orphans
        async with servers(data, report=quietly) as started:
            assert await remembered(started) == ["acknowledged"]
            assert not alive(orphans)
    finally:
        for orphan in alive(orphans):
            orphan.kill()


async def test_a_kill_in_the_middle_of_the_first_start_heals(tmp_path: Path, hold: Callable[[Path], Holder]) -> None:
    data = tmp_path / "data"
    holder = hold(data)
    while not list(data.glob("postgres.new-*/base/1")):
        assert holder.process.poll() is None
        await asyncio.sleep(0.005)
    holder.kill()
    assert not (data / "postgres").exists()
    async with servers(data, report=quietly) as started:
        await remember(started, "whole")
        assert await remembered(started) == ["whole"]


async def test_ctrl_c_reaches_us_alone_and_the_servers_stop_in_order(
    data: Path, hold: Callable[[Path], Holder]
) -> None:
    holder = hold(data)
    holder.started()
    children = holder.children()
    os.killpg(holder.process.pid, signal.SIGINT)
    assert holder.process.stdin is not None
    holder.process.stdin.close()
    holder.process.wait(20)
    await gone(children)
    assert "database system is shut down" in (data / "log" / "postgres.log").read_text()
    assert not (data / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("has_log", [True, False])
@pytest.mark.parametrize(("name", "program"), [("PostgreSQL", "postgres"), ("Valkey", "valkey-server")])
async def test_a_server_that_dies_ends_the_block_with_a_sentence(
    data: Path, name: str, program: str, has_log: bool
) -> None:
    inside = asyncio.Event()

    async def serve() -> None:
        async with servers(data, report=quietly) as started:
            await remember(started, "acknowledged")
            inside.set()
            await asyncio.Event().wait()

    serving = asyncio.create_task(serve())
    await asyncio.wait([serving, asyncio.create_task(inside.wait())], return_when=asyncio.FIRST_COMPLETED)
    if not has_log:
        for log in (data / "log").iterdir():
            log.unlink()
    for child in servers_of(data):
        if child.name() == program:
            child.kill()
    with pytest.raises(LaptopError, match=rf"{name} ended while Folkmoot was running \(by SIGKILL\)"):
        await asyncio.wait_for(serving, 20)
    assert not servers_of(data)
    async with servers(data, report=quietly) as started:
        assert await remembered(started) == ["acknowledged"]


async def test_a_cancelled_block_stays_a_cancellation(data: Path) -> None:
    inside = asyncio.Event()

    async def serve() -> None:
        async with servers(data, report=quietly):
            inside.set()
            await asyncio.Event().wait()

    serving = asyncio.create_task(serve())
    await asyncio.wait_for(inside.wait(), 20)
    children = servers_of(data)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert len(children) == 2
    await gone(children)


async def test_a_second_start_in_the_same_folder_is_refused(data: Path, hold: Callable[[Path], Holder]) -> None:
    holder = hold(data)
    holder.started()
    with pytest.raises(LaptopError, match=rf"already runs with the data folder .*process {holder.process.pid}\)"):
        async with servers(data, report=quietly):
            pass


async def test_of_two_starts_at_once_one_comes_up(tmp_path: Path, hold: Callable[[Path], Holder]) -> None:
    data = tmp_path / "data"
    both = [hold(data), hold(data)]
    while len(refused := [each for each in both if each.process.poll() is not None]) == 0:
        await asyncio.sleep(0.02)
    assert "already runs with the data folder" in refused[0].said()
    (winner,) = set(both) - set(refused)
    await remember(winner.started(), "mine")


async def test_a_process_id_that_was_used_again_does_not_stop_a_start(data: Path) -> None:
    stale = [
        str(os.getpid()),
        str(data / "postgres"),
        "1750000000",
        "5432",
        str(data / "run"),
        "",
        "  1 1",
        "ready",
    ]
    (data / "postgres" / "postmaster.pid").write_text("\n".join(stale) + "\n")
    (data / "run" / "valkey.pid").write_text(f"{os.getpid()}\n")
    async with servers(data, report=quietly) as started:
        await remember(started, "alive")
        assert await remembered(started) == ["alive"]


async def test_an_ordinary_user_gets_the_same(tmp_path: Path, hold: Callable[..., Holder]) -> None:
    data = give_to_nobody(tmp_path / "data")
    holder = hold(data, as_nobody())
    holder.started()
    children = holder.children()
    assert len(alive(children)) >= 4
    holder.kill()
    await gone(children)
    again = hold(data, as_nobody())
    again.started()
