"""Who comes in through the port of a node, and what becomes of the socket: it is refused, or it gets its parser."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine

from folkmoot.descriptors import for_clients
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.connections import Connections
from folkmoot.realtime.handshake import Handshake, Refused, problem
from folkmoot.realtime.line import Line
from folkmoot.realtime.parser import start_parser
from folkmoot.realtime.receiver import Receiver
from folkmoot.realtime.turns import Turns
from folkmoot.tasks import end

log = logging.getLogger(__name__)

Gate = Callable[[Handshake], Awaitable[Receiver]]
"""Decides who comes in: answers with what will sit on the connection, or raises Refused."""

HEAD_BYTES = 16 * 1024
LATER_S = 1
_FULL = problem(Refused(503, "busy", "All places are taken. Try again in a moment.", LATER_S))
A_TURN = 16  # heads that are looked at in one turn of the loop
CROWD = 512


class Door:
    """What the port of one node knows: which paths are WebSockets, and who lets clients in."""

    def __init__(
        self,
        gate: Gate,
        paths: frozenset[str],
        connections: Connections,
        *,
        line: Line | None = None,
        handshakes: int = 512,  # at the gate at once
        gate_s: float = 10.0,
        head_s: float = 10.0,  # how long the head of a request may take
    ) -> None:
        self.connections = connections
        self.head_s = head_s
        self.at_the_gate = 0
        self.descriptors = for_clients()
        self.refused: Counter[str] = Counter()  # by code
        self._gate = gate
        self._gate_s = gate_s
        self._handshakes = handshakes
        self._line = Line() if line is None else line
        self.heads = Turns(A_TURN)
        self._answering: set[asyncio.Task[None]] = set()
        self.silent: dict[asyncio.Transport, Callable[[], None]] = {}  # who says nothing yet, and how to give them up
        self.waiting: set[asyncio.Transport] = set()  # who has, and waits for our answer
        self._starts = tuple(f"GET {path}{end}".encode() for path in sorted(paths) for end in " ?")
        self._longest = max(map(len, self._starts), default=0)

    def wants(self, received: bytes | bytearray) -> bool:
        """Whether a request that starts like this is, or may still become, one for our paths."""
        if len(received) >= self._longest:
            return received.startswith(self._starts)
        return any(start.startswith(received[: len(start)]) for start in self._starts)

    @property
    def is_crowded(self) -> bool:
        """Whether so many have not said yet what they want that all of them at once would be too much."""
        return len(self.silent) >= CROWD

    def stand_in_line(self) -> asyncio.Future[None]:
        """Is done when it is the caller's turn, or with Refused. May raise it, too."""
        return self._line.come_to_the_door()

    async def admit(self, handshake: Handshake) -> Receiver:
        """Asks the gate, with a limit on how long and on how many at once."""
        if self.at_the_gate >= self._handshakes:
            raise Refused(503, "busy", "Too many clients connect at once.", LATER_S)
        self.at_the_gate += 1
        try:
            async with asyncio.timeout(self._gate_s):
                receiver = await self._gate(handshake)
        except Refused:
            raise
        except TimeoutError:
            raise Refused(503, "unavailable", "The server cannot answer right now.", LATER_S) from None
        except Exception:  # a fault of ours is answered, like every other refusal
            log.exception("The gate failed")
            raise Refused(500, "internal", "Something went wrong on the server.") from None
        finally:
            self.at_the_gate -= 1
        if self.connections.is_draining:
            raise Refused(503, "unavailable", "The server is stopping.", LATER_S)
        return receiver

    def has_place(self, transport: asyncio.Transport) -> bool:
        """Whether there is a descriptor for this one that is not kept back for ourselves. Else it is sent away."""
        if transport.get_extra_info("socket").fileno() < self.descriptors:
            return True
        self.refused["busy"] += 1
        transport.write(_FULL)
        transport.close()
        return False

    def refuse(self, transport: asyncio.Transport, refused: Refused) -> None:
        self.refused[refused.code] += 1
        transport.write(problem(refused))

    def hand_over(
        self, transport: asyncio.Transport, handshake: Handshake, receiver: Receiver, received: bytes
    ) -> None:
        """Gives the socket its parser. `received` is what came behind the handshake."""
        try:
            connection = Connection(receiver, transport, self.connections)
            start_parser(transport, connection, handshake, received)
        except Exception:  # this one socket is lost; the loop and the others go on
            log.exception("A socket could not be handed over")
            transport.abort()

    def answer(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Runs the work for one that came here as a task that ends when the door closes."""
        task = asyncio.get_running_loop().create_task(work)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        return task

    def clear_the_porch(self) -> None:
        """Waits for nobody's first word any more."""
        for give_up in tuple(self.silent.values()):
            give_up()

    async def close(self) -> None:
        """Lets everybody go who waits for an answer."""
        await end(self._answering)
        for transport in (*self.silent, *self.waiting):
            transport.abort()
