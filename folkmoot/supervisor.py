"""Several workers on one port: started, watched, started again when they die, and ended together.

Each worker is a whole server with a listening socket of its own; the system shares connections out among them. The
supervisor made the sockets and keeps them open as well, so that who connects while a worker is started again waits for
it, and is not refused. See docs/decisions/0004-workers.md.
"""

import asyncio
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from contextlib import suppress

import structlog

from folkmoot.errors import CommandFailed
from folkmoot.listening import PortTaken, listen_beside
from folkmoot.settings import Settings
from folkmoot.stopping import longest_stop_s
from folkmoot.tasks import end

log = structlog.get_logger(__name__)

STEADY_S = 10.0  # who was ready that long did not die of its start
RETRY_S = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0)  # before the next start, by how many in a row have failed
HOPELESS = 4  # failures in a row of every worker, after which there is no point in going on
READY_S = 60.0  # a replacement that is not ready by then is given up
PATIENCE_S = 1.0  # with a worker, beyond its own bound
SUPERVISOR_S = 2.0  # what stopping takes longer here than in the workers

# A worker imports what we import, from where we do, and nothing from the folder it is started in.
START = 'import sys; sys.path[:] = sys.argv.pop().split("\\n"); from folkmoot.worker import main; main()'


def check_platform() -> None:
    if sys.platform != "linux":
        raise CommandFailed(
            "Several workers need Linux, which shares connections out among them. Set FOLKMOOT_WORKERS=1."
        )


class Worker:
    """A worker process."""

    def __init__(self, number: int, process: Process, line: socket.socket) -> None:
        self.number = number
        self.pid = process.pid
        self._process = process
        self._line = line
        self._began_at = time.monotonic()
        self._ready_at: float | None = None
        self._watch = asyncio.create_task(self._wait_until_ready(), name=f"worker {number} is ready")

    @classmethod
    async def start(cls, number: int, listening: socket.socket) -> "Worker":
        """Raises OSError when the system has no room for it."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        warnings = [f"-W{option}" for option in sys.warnoptions]
        handed = (listening.fileno(), theirs.fileno())
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-P", *warnings, "-c", START, str(number), *map(str, handed), "\n".join(sys.path),
                    stdin=DEVNULL, pass_fds=handed, start_new_session=True,  # Ctrl-C reaches us alone
                )  # fmt: skip
        except BaseException:  # cancelled, too: whoever may have been started is told that nobody wants it
            ours.close()
            raise
        return cls(number, process, ours)

    @property
    def steady(self) -> bool:
        return self._ready_at is not None and time.monotonic() - self._ready_at >= STEADY_S

    async def ready(self, within_s: float) -> bool:
        """Whether it becomes ready in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await asyncio.shield(self._watch)
        return self._ready_at is not None

    async def ended(self) -> int:
        status = await self._process.wait()
        await end([self._watch])
        self._line.close()
        return status

    def ask(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _wait_until_ready(self) -> None:
        with suppress(ConnectionError):
            if await asyncio.get_running_loop().sock_recv(self._line, 1):
                self._ready_at = time.monotonic()
                took_s = round(self._ready_at - self._began_at, 2)
                log.info("worker.ready", worker=self.number, pid=self.pid, took_s=took_s)


class Slot:
    """The place of a worker, whichever process has it now."""

    def __init__(self, number: int, listening: socket.socket) -> None:
        self.number = number
        self.listening = listening
        self.worker: Worker | None = None
        self.failures = 0  # in a row


class Supervisor:
    def __init__(self, settings: Settings, listening: Sequence[socket.socket]) -> None:
        self._settings = settings
        self._port: int = listening[0].getsockname()[1]
        self._slots = [Slot(number, one) for number, one in enumerate(listening, start=1)]
        self._alive: set[Worker] = set()
        self._hopeless = asyncio.Event()
        self._replacing: asyncio.Task[None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serves until `stop`. Raises CommandFailed when the workers cannot live, or do not end in order."""
        log.info("workers.listening", host=self._settings.host, port=self._port, workers=len(self._slots))
        tasks = [asyncio.create_task(self._keep(slot), name=f"worker {slot.number}") for slot in self._slots]
        over = [asyncio.create_task(event.wait()) for event in (stop, self._hopeless)]
        loop = asyncio.get_running_loop()
        if not sys.stdin.isatty():  # where a terminal that goes away says the same
            loop.add_signal_handler(signal.SIGHUP, self._replace_soon)
        try:
            await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            for slot in self._slots:
                slot.listening.close()
            for one in over:
                one.cancel()
            await end([*tasks, *([self._replacing] if self._replacing else [])])
            disorderly = await self._end_all()
        if self._hopeless.is_set():
            raise CommandFailed(
                "The workers end as soon as they are started, again and again. Above is what they said."
            )
        if disorderly:
            raise CommandFailed(f"Not every worker ended in order: {', '.join(disorderly)}.")

    # -- one worker

    async def _keep(self, slot: Slot) -> None:
        """Sees to it that there is a worker in this place."""
        while True:
            try:
                if not slot.worker:
                    await self._pause(slot)
                status = await self._see_through(slot)
            except (OSError, PortTaken) as error:
                self._failed(slot, str(error))
            else:
                if status is not None:
                    self._failed(slot, status)

    async def _pause(self, slot: Slot) -> None:
        """Waits before the next start. Who connects meanwhile goes to the other workers, and need not wait for this."""
        wait_s = RETRY_S[min(slot.failures, len(RETRY_S) - 1)]
        if wait_s:
            slot.listening.close()
            await asyncio.sleep(wait_s)
            slot.listening = listen_beside(self._settings, self._port)

    async def _see_through(self, slot: Slot) -> str | None:
        """Returns how the worker in this place died; None when another one has taken the place."""
        worker = slot.worker or await self._start(slot)
        if slot.worker is None:
            slot.worker = worker
        elif slot.worker is not worker:
            worker.ask(signal.SIGTERM)
        status = await self._ended(worker)
        if slot.worker is not worker:
            return None
        slot.worker = None
        if worker.steady:
            slot.failures = 0
        return _how(status)

    def _failed(self, slot: Slot, how: str) -> None:
        slot.failures += 1
        log.error("worker.died", worker=slot.number, how=how, in_a_row=slot.failures)
        if all(slot.failures >= HOPELESS for slot in self._slots):
            self._hopeless.set()

    async def _start(self, slot: Slot) -> Worker:
        worker = await Worker.start(slot.number, slot.listening)
        self._alive.add(worker)
        return worker

    async def _ended(self, worker: Worker) -> int:
        status = await worker.ended()
        self._alive.discard(worker)
        return status

    # -- all of them

    def _replace_soon(self) -> None:
        if self._replacing is None or self._replacing.done():
            self._replacing = asyncio.create_task(self._replace_all(), name="replace workers")

    async def _replace_all(self) -> None:
        """One after the other: the new worker is ready on the same socket before the old one is asked to stop."""
        for slot in self._slots:
            try:
                worker = await self._start(slot)
            except OSError as error:
                log.error("workers.not_replaced", worker=slot.number, how=str(error))
                return
            if not await worker.ready(READY_S):
                log.error("workers.not_replaced", worker=slot.number, how="the new one did not become ready")
                worker.ask(signal.SIGKILL)
                await self._ended(worker)
                return
            old, slot.worker, slot.failures = slot.worker, worker, 0
            if old is not None:
                old.ask(signal.SIGTERM)
                await old.ended()
        log.info("workers.replaced", workers=len(self._slots))

    async def _end_all(self) -> list[str]:
        """Asks all workers at once to stop, and waits for them. Returns those that did not end in order."""
        ending = {asyncio.create_task(worker.ended()): worker for worker in self._alive}
        for worker in ending.values():
            worker.ask(signal.SIGTERM)
        if not ending:
            return []
        _, hanging = await asyncio.wait(ending, timeout=longest_stop_s(self._settings) + PATIENCE_S)
        for task in hanging:
            ending[task].ask(signal.SIGKILL)
        statuses = {worker.number: await task for task, worker in ending.items()}
        # One that was still starting had no ear for the signal yet, and ended of it.
        return [
            f"worker {number} {_how(status)}"
            for number, status in statuses.items()
            if status not in (0, -signal.SIGTERM)
        ]


def _how(status: int) -> str:
    return f"ended with status {status}" if status >= 0 else f"was ended by a signal ({signal.strsignal(-status)})"
