"""Redis: the bus between nodes, and short-lived values. All of it is comfort: nothing here is the only copy.

The bus is at-most-once. Whoever listens to it must be able to do without any one message, and finds out about what it
missed elsewhere (the log, or a sweep over the sessions).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from folkmoot.errors import Unavailable
from folkmoot.tasks import end

log = structlog.get_logger(__name__)

PREFIX = "folkmoot:"
SHARDS = 16
RETRY_S = (0.1, 0.25, 0.5, 1.0, 2.0)
QUEUE_LIMIT = 20_000  # publications waiting for Redis; past it the oldest hints are dropped and counted
CALL_S = 0.25  # Redis is never worth waiting longer for
SILENCE_S = 1.0  # a bus that is silent this long is asked whether it is there, and has as long to answer

Receive = Callable[[bytes], None]


class Bus:
    """One connection pool for calls, one connection that listens, one task that publishes."""

    def __init__(self, url: str) -> None:
        self.redis: Redis = Redis.from_url(
            url,
            socket_timeout=CALL_S,
            socket_connect_timeout=CALL_S,
            retry=Retry(NoBackoff(), 0),
            max_connections=64,
            protocol=3,
        )
        self._listener: Redis = Redis.from_url(url, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0), protocol=3)
        self._receivers: dict[str, Receive] = {}
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=QUEUE_LIMIT)
        self._something_to_say = asyncio.Event()
        self._listening = asyncio.Event()
        self._on_change: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.dropped = 0

    @property
    def is_up(self) -> bool:
        """Whether we hear what others say. While not, whoever relies on hints must look for itself."""
        return self._listening.is_set()

    def receive(self, topic: str, receiver: Receive) -> None:
        """Hands every payload of the topic to `receiver`, which must not wait. Call before `start`."""
        self._receivers[topic] = receiver

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back whenever we stop hearing the others, and when we hear them again."""
        self._on_change.append(callback)

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._listen(), name="bus-listen"),
            asyncio.create_task(self._speak(), name="bus-speak"),
        ]
        try:
            async with asyncio.timeout(2.0):
                await self._listening.wait()
        except TimeoutError:
            log.warning("bus.away", note="Redis cannot be reached; nodes find each other's messages by polling")

    async def close(self) -> None:
        await self._flush()
        await end(self._tasks)
        await self._listener.aclose()
        await self.redis.aclose()

    def publish(self, topic: str, payload: bytes) -> None:
        """Queues a hint for all nodes. Never waits and never fails; while Redis is down the oldest are dropped."""
        if len(self._outgoing) == QUEUE_LIMIT:
            self.dropped += 1
        self._outgoing.append((topic, payload))
        self._something_to_say.set()

    async def need(self, question: Awaitable[object]) -> object:
        """The answer of Redis. Raises Unavailable: for values that are nowhere else."""
        try:
            async with asyncio.timeout(CALL_S * 2):
                return await question
        except (RedisError, OSError, TimeoutError) as error:
            log.debug("bus.no_answer", error=str(error))
            raise Unavailable("A part of the server is away. Try again in a moment.") from error

    async def ask(self, question: Awaitable[object]) -> object | None:
        """The answer of Redis, or None when it is away: for values that have another source."""
        try:
            return await self.need(question)
        except Unavailable:
            return None

    async def _speak(self) -> None:
        while True:
            await self._something_to_say.wait()
            self._something_to_say.clear()
            try:
                await self._flush()
            except Exception:  # a node without a voice would not know that it has none
                log.exception("bus.speak_failed")

    async def _flush(self) -> None:
        while self._outgoing:
            pipeline = self.redis.pipeline(transaction=False)
            for _ in range(min(len(self._outgoing), 512)):
                topic, payload = self._outgoing.popleft()
                pipeline.publish(PREFIX + topic, payload)
            try:
                async with asyncio.timeout(2.0):
                    await pipeline.execute(raise_on_error=False)
            except (RedisError, OSError, TimeoutError) as error:
                self.dropped += 1
                log.debug("bus.hint_lost", error=str(error))

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
        by_channel = {(PREFIX + topic).encode(): receiver for topic, receiver in self._receivers.items()}
        async with self._listener.pubsub() as listening:
            await listening.subscribe(*by_channel)
            asked = False
            while True:
                message = await listening.get_message(timeout=SILENCE_S)
                if message is None:
                    if asked:
                        raise OSError("Redis is silent")
                    await listening.ping()
                elif message["type"] == "message":
                    self._hand_over(by_channel[message["channel"]], message["data"])
                elif message["type"] == "subscribe":
                    self._set_listening(True)
                asked = message is None

    def _set_listening(self, listening: bool) -> None:
        if listening == self._listening.is_set():
            return
        if listening:
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
