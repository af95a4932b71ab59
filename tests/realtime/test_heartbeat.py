"""Pings, and who is sent away for not answering them."""

import asyncio
import time

from folkmoot.realtime.heartbeat import PING_FRAME, SLOTS, Heartbeat
from tests.conftest import Start
from tests.people import enrol
from tests.realtime.listeners import Listener
from tests.realtime.wire import PATIENCE_S, until, wired


def beats(heartbeat: Heartbeat, times: int) -> None:
    for _ in range(times):
        heartbeat._beat()


def test_everybody_is_pinged_once_an_interval_and_each_tick_has_its_share() -> None:
    heartbeat = Heartbeat(ping_s=25, pong_s=10, connect_s=10)
    sockets = [Listener() for _ in range(100)]
    for number, socket in enumerate(sockets):
        heartbeat.introduce(socket)
        if number % 4 == 3:
            beats(heartbeat, 1)
    for socket in sockets:
        socket.frames.clear()
    for _ in range(SLOTS):
        before = sum(len(socket.frames) for socket in sockets)
        beats(heartbeat, 1)
        for socket in sockets:
            socket.answered = True
        assert sum(len(socket.frames) for socket in sockets) == before + 4
    assert all(socket.frames == [PING_FRAME] for socket in sockets)


def test_who_answers_stays_and_who_does_not_goes_after_the_time_it_had() -> None:
    heartbeat = Heartbeat(ping_s=25, pong_s=10, connect_s=10)
    answers, silent = Listener(), Listener()
    heartbeat.introduce(answers)
    heartbeat.introduce(silent)
    for beat in range(1, 3 * SLOTS):
        beats(heartbeat, 1)
        answers.answered = True
        assert bool(silent.closes) == (beat >= SLOTS + 10), beat
    assert silent.closes[0] == 3012
    assert answers.closes == []


def test_a_newcomer_is_not_sent_away_for_pings_it_was_never_sent() -> None:
    heartbeat = Heartbeat(ping_s=25, pong_s=24, connect_s=10)
    for _ in range(SLOTS):
        beats(heartbeat, 1)
        newcomer = Listener()
        newcomer.answered = False
        heartbeat.introduce(newcomer)
        beats(heartbeat, SLOTS - 1)
        assert newcomer.closes == []
        heartbeat.forget(newcomer)


def test_whoever_is_forgotten_is_left_alone() -> None:
    heartbeat = Heartbeat(ping_s=25, pong_s=10, connect_s=0)
    gone, stranger = Listener(), Listener()
    heartbeat.introduce(gone)
    heartbeat.expect_introduction(stranger)
    heartbeat.forget(gone)
    heartbeat.forget(stranger)
    heartbeat.forget(stranger)
    beats(heartbeat, 3 * SLOTS)
    assert (gone.frames, gone.closes, stranger.closes) == ([], [], [])


def test_strangers_are_sent_away_when_their_time_is_over() -> None:
    heartbeat = Heartbeat(ping_s=25, pong_s=10, connect_s=0.05)
    early, late = Listener(), Listener()
    heartbeat.expect_introduction(early)
    time.sleep(0.06)
    heartbeat.expect_introduction(late)
    beats(heartbeat, 1)
    assert (early.closes, late.closes) == ([3502], [])


async def test_one_faulty_socket_does_not_stop_the_heart() -> None:
    class Faulty(Listener):
        def send_frame(self, frame: bytes) -> None:
            raise RuntimeError("no")

    heartbeat = Heartbeat(ping_s=0.1, pong_s=0.05, connect_s=10)
    faulty, healthy = Faulty(), Listener()
    heartbeat.introduce(faulty)
    heartbeat.start()
    await asyncio.sleep(0.02)
    heartbeat.introduce(healthy)
    await until(lambda: len(healthy.frames) > 2)
    await heartbeat.close()


async def test_a_client_that_is_deaf_to_pings_is_sent_away_to_come_back(start: Start) -> None:
    async with (
        start(socket_ping_s=0.5, socket_pong_s=0.2) as node,
        enrol(node, "Ada") as ada,
        wired(node.port, ada.token) as deaf,
        wired(node.port, ada.token) as well,
    ):
        deaf.answers_pings = False
        assert await deaf.expect_close() == 3012
        await well.hears(lambda: well.pings > 3)


async def test_anything_a_client_says_shows_that_it_is_there(start: Start) -> None:
    async with (
        start(socket_ping_s=0.5, socket_pong_s=0.3) as node,
        enrol(node, "Ada") as ada,
        wired(node.port, ada.token) as wire,
    ):
        wire.answers_pings = False
        async with asyncio.timeout(PATIENCE_S):
            while wire.pings < 3:
                await wire.say(wire.command("presence_stats", channel="room:1"))  # whenever that is answered
                await asyncio.sleep(0.05)
        await wire.rpc("rooms.mine")
