"""Redis: the bus between nodes, and short-lived values. All of it is comfort: nothing here is the only copy.

The bus is at-most-once. Whoever listens to it must be able to do without any one message, and finds out about what it
missed elsewhere (the log, or a sweep over the sessions).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from folkmoot.errors import Unavailable
from folkmoot.link import Link
from folkmoot.tasks import end

log = structlog.get_logger(__name__)

PREFIX = "folkmoot:"
SHARDS = 16
RETRY_S = (0.1, 0.25, 0.5, 1.0, 2.0)
QUEUE_LIMIT = 20_000  # publications waiting for Redis; past it the oldest hints are dropped and counted
CALL_S = 0.25  # Redis is never worth waiting longer for
CONNECT_S = 1.0
SILENCE_S = 1.0  # a bus that is silent this long is asked whether it is there, and has as long to answer

Receive = Callable[[bytes], None]


class Bus:
    """One connection pool for calls, and one link that publishes and listens."""

    def __init__(self, url: str) -> None:
        self.redis: Redis = Redis.from_url(
            url,
            socket_timeout=CALL_S,
            socket_connect_timeout=CALL_S,
            retry=Retry(NoBackoff(), 0),
            max_connections=64,
            protocol=3,
            # Each connection would look up what version this library has, in the folders of all, and tell the server;
            # and would ask to be warned of a maintenance that only a hosted Redis announces.
            driver_info=None,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._url = url
        # Redis keeps the keys of its numbered databases apart, and not their channels.
        self._channels = f"{PREFIX}{parse_url(url).get('db', 0)}:"
        self._link: Link | None = None
        self._receivers: dict[str, Receive] = {}
        self._outgoing: deque[tuple[str | bytes, ...]] = deque(maxlen=QUEUE_LIMIT)
        self._flushing = False
        self._listening = asyncio.Event()
        self._on_change: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.dropped = 0
        self.published = 0
        self.connects = 0  # how often we have begun to hear the others
        self.failures = 0  # questions that Redis did not answer

    @property
    def is_up(self) -> bool:
        """Whether we hear what others say. While not, whoever relies on hints must look for itself."""
        return self._listening.is_set()

    @property
    def waiting(self) -> int:
        """Publications that wait for Redis."""
        return len(self._outgoing)

    def receive(self, topic: str, receiver: Receive) -> None:
        """Hands every payload of the topic to `receiver`, which must not wait. Call before `start`."""
        self._receivers[topic] = receiver

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back whenever we stop hearing the others, and when we hear them again."""
        self._on_change.append(callback)

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self._listen(), name="bus-listen")]
        try:
            async with asyncio.timeout(2.0):
                await self._listening.wait()
        except TimeoutError:
            log.warning("bus.away", note="Redis cannot be reached; nodes find each other's messages by polling")

    async def close(self) -> None:
        self._flush()
        await end(self._tasks)
        if self._outgoing:  # of a command, which never listened
            pipeline = self.redis.pipeline(transaction=False)
            for words in self._outgoing:
                pipeline.execute_command(*words)
            await self.ask(pipeline.execute())
        await self.redis.aclose()

    def publish(self, topic: str, payload: bytes) -> None:
        """Queues a hint for all nodes. Never waits and never fails; while Redis is down the oldest are dropped."""
        self.tell("PUBLISH", self._channels + topic, payload)

    def tell(self, *words: str | bytes) -> None:
        """Queues a command whose answer nobody needs, on the same terms."""
        if len(self._outgoing) == QUEUE_LIMIT:
            self.dropped += 1
        self.published += 1
        self._outgoing.append(words)
        self._flush_soon()

    async def need(self, question: Awaitable[object]) -> object:
        """The answer of Redis. Raises Unavailable: for values that are nowhere else."""
        try:
            async with asyncio.timeout(CALL_S * 2):
                return await question
        except (RedisError, OSError, TimeoutError) as error:
            self.failures += 1
            log.debug("bus.no_answer", error=str(error))
            raise Unavailable("A part of the server is away. Try again in a moment.") from error

    async def ask(self, question: Awaitable[object]) -> object | None:
        """The answer of Redis, or None when it is away: for values that have another source."""
        try:
            return await self.need(question)
        except Unavailable:
            return None

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Says what has gathered; what a Redis that is away or stuck does not take stays, up to the limit."""
        self._flushing = False
        if self._outgoing and self._link is not None and not self._link.is_full:
            self._link.say(self._outgoing)
            self._outgoing.clear()

    async def _listen(self) -> None:
        attempt = 0
        while True:
            try:
                await self._hear()
            except (RedisError, OSError) as error:
                if self._listening.is_set():
                    log.warning("bus.lost", error=str(error))
                    attempt = 0
            except Exception:  # a node without ears would not know that it has none
                log.exception("bus.listen_failed")
            self._set_listening(False)
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1

    async def _hear(self) -> None:
        """Keeps a link until it breaks. Raises OSError."""
        by_channel = {(self._channels + topic).encode(): receiver for topic, receiver in self._receivers.items()}
        async with asyncio.timeout(CONNECT_S):
            link = await Link.open(
                self._url,
                [self._channels + topic for topic in self._receivers],
                lambda topic, payload: self._hand_over(by_channel[topic], payload),
            )
        try:
            await self._keep(link)
        finally:
            self._link = None
            link.close()

    async def _keep(self, link: Link) -> None:
        await asyncio.wait([link.subscribed], timeout=SILENCE_S)
        if not link.subscribed.done() or link.subscribed.cancelled():
            raise OSError("Redis does not let us listen")
        self._link = link
        self._set_listening(True)
        self._flush_soon()
        while True:
            link.said_something = False
            await link.stays_for(SILENCE_S)
            self._flush()  # what it could not take at the time
            if not link.said_something:
                link.say([("PING",)])
                await link.stays_for(SILENCE_S)
                if not link.said_something:
                    raise OSError("Redis is silent")

    def _set_listening(self, listening: bool) -> None:
        if listening == self._listening.is_set():
            return
        if listening:
            self.connects += 1
            self._listening.set()
        else:
            self._listening.clear()
        for callback in self._on_change:
            callback()

    @staticmethod
    def _hand_over(receiver: Receive, payload: bytes) -> None:
        try:
            receiver(payload)
        except Exception as error:  # one bad payload must not deafen the node, nor many of them keep it busy with logs
            log.warning("bus.bad_payload", error=f"{type(error).__name__}: {error}"[:200])
