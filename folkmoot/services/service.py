"""One service: HTTP to the one address that the operator named, within bounds, and nowhere else."""

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ssl import SSLContext

import httpx
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from folkmoot.errors import Error, ServiceAway, ServiceFailed, ServiceRefused
from folkmoot.services import metrics
from folkmoot.services.answer import Answer, read_answer
from folkmoot.services.breaker import Breaker, Open, State
from folkmoot.services.client import open_client
from folkmoot.services.file import Described
from folkmoot.services.paths import UnsafePath, safe_path
from folkmoot.services.turns import Turns
from folkmoot.telemetry import tracing

log = structlog.get_logger(__name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # asking twice does no more than asking once
METHODS = SAFE | {"POST", "PUT", "PATCH", "DELETE"}
FAILURES = (ServiceAway, ServiceFailed)
REPEAT_S = 0.1  # the most that the first repeat waits; each further one twice as long
SAID_CHARS = 500

Parameters = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Health:
    """What a look at a service found. `seconds` is how long it took to answer."""

    ok: bool
    says: str
    seconds: float


class Service:
    """A named service. All that goes wrong with it is an `Error` that says which service it was."""

    def __init__(self, described: Described, tls: SSLContext) -> None:
        self.name = described.name
        self.entry = entry = described.entry
        self._base = httpx.URL(entry.base_uri)
        self._http = open_client(entry, described.headers, tls)
        self._turns = Turns(at_once=entry.concurrency, queue=entry.queue)
        self._breaker = Breaker(
            failures=entry.breaker_failures,
            open_s=entry.breaker_open_s,
            clock=time.monotonic,
            changed=self._breaker_changed,
        )
        metrics.IS_LEFT_ALONE.labels(self.name).set(0)

    @property
    def breaker(self) -> State:
        return self._breaker.state

    async def get(self, path: str, *, params: Parameters | None = None) -> str:
        """The body of the answer to GET, as text. `path` is one of `safe_path`, below the service's address.

        Raises ServiceAway, ServiceFailed, ServiceRefused and Busy, after at most `total_s` seconds.
        """
        return (await self.request("GET", path, params=params)).text

    async def post(self, path: str, json: object, *, params: Parameters | None = None) -> str:
        """The same for POST with a JSON body. It is sent once: nobody knows what a repeat would do."""
        return (await self.request("POST", path, params=params, json=json)).text

    async def request(
        self, method: str, path: str, *, params: Parameters | None = None, json: object | None = None
    ) -> Answer:
        """The whole answer (2xx) to a request of any of METHODS. Raises as `get` does; UnsafePath for a path that
        could lead elsewhere, before anything is sent.
        """
        with tracing.step(f"service {self.name}", kind="client", service=self.name):
            return await self._timed(self._made(method, path, params, json))

    async def _timed(self, request: httpx.Request) -> Answer:
        request.headers.update(tracing.headers())
        began_at, outcome = time.monotonic(), "given_up"
        try:
            answer = await self._bounded(request)
            outcome = "ok"
            return answer
        except Error as error:
            outcome = error.code
            log.info("services.failed", service=self.name, outcome=outcome, reason=_reason(error))
            raise
        finally:
            metrics.REQUEST_SECONDS.labels(self.name, outcome).observe(time.monotonic() - began_at)

    async def check(self) -> Health:
        """Looks whether the service is well, once, whatever its breaker says.

        Without a `health` path any answer below 500 will do: somebody is there.
        """
        began_at = time.monotonic()
        try:
            request = self._made("GET", self.entry.health or "/", None, None)
            answer = await self._sent(request, asyncio.get_running_loop().time() + self.entry.total_s)
        except FAILURES as error:
            return Health(False, f"{error.what} {_reason(error)}".rstrip(), time.monotonic() - began_at)
        ok = answer.status < 400 or self.entry.health is None
        return Health(ok, f"answers {answer.status}", time.monotonic() - began_at)

    async def close(self) -> None:
        await self._http.aclose()

    def _made(self, method: str, path: str, params: Parameters | None, json: object | None) -> httpx.Request:
        if method not in METHODS:
            raise ValueError(f"{method!r} is not one of {', '.join(sorted(METHODS))}")
        url = httpx.URL(self.entry.base_uri + safe_path(path))
        # The path was checked as text; this checks what the library made of it.
        if (url.scheme, url.netloc) != (self._base.scheme, self._base.netloc) or url.userinfo:
            raise UnsafePath("must not lead to another host")
        return self._http.build_request(method, url, params=params, json=json)

    async def _bounded(self, request: httpx.Request) -> Answer:
        """Waits for a turn and sends, repeats included, all within `total_s`."""
        deadline = asyncio.get_running_loop().time() + self.entry.total_s
        async with self._turns.turn(self.name, deadline):
            try:
                answer = await self._repeating(request, deadline)
            except Open as error:
                wait_s = math.ceil(error.for_s) or 1
                raise ServiceAway(self.name, "failed too often and is left alone", retry_after_s=wait_s) from None
        if answer.status >= 400:
            raise ServiceRefused(self.name, answer.status, answer.text[:SAID_CHARS])
        return answer

    async def _repeating(self, request: httpx.Request, deadline: float) -> Answer:
        if request.method not in SAFE:
            return await self._watched(request, deadline)
        left_s = deadline - asyncio.get_running_loop().time()
        repeat = AsyncRetrying(
            stop=stop_after_attempt(1 + self.entry.retries) | stop_before_delay(left_s),
            wait=wait_random_exponential(multiplier=REPEAT_S, max=1),
            retry=retry_if_exception(self._may_pass),
            before_sleep=self._count_repeat,
            reraise=True,
        )
        return await repeat(self._watched, request, deadline)

    async def _watched(self, request: httpx.Request, deadline: float) -> Answer:
        with self._breaker.watching(FAILURES), metrics.IN_FLIGHT.labels(self.name).track_inprogress():
            return await self._sent(request, deadline)

    async def _sent(self, request: httpx.Request, deadline: float) -> Answer:
        """One request and its answer below 500. Raises one of FAILURES for everything else."""
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._http.send(request, stream=True)
                try:
                    return await read_answer(self.name, response, self.entry.answer_bytes)
                finally:
                    await response.aclose()
        except (httpx.TimeoutException, TimeoutError) as error:
            raise ServiceAway(self.name, "did not answer in time") from error
        except httpx.TransportError as error:
            raise ServiceAway(self.name, "does not answer") from error
        except RuntimeError as error:  # what httpx and uvloop call it when we have closed what they use
            if not self._http.is_closed:
                raise
            raise ServiceAway(self.name, "is not asked any more, because the server is stopping") from error

    def _may_pass(self, error: BaseException) -> bool:
        """Whether the same request may do better in a moment."""
        broken = isinstance(error, ServiceAway) or (isinstance(error, ServiceFailed) and error.upstream_status >= 500)
        return broken and self._breaker.state == "closed" and not self._http.is_closed

    def _count_repeat(self, _: RetryCallState) -> None:
        metrics.REPEATS.labels(self.name).inc()

    def _breaker_changed(self, state: State) -> None:
        metrics.IS_LEFT_ALONE.labels(self.name).set(state == "open")
        log.warning("services.breaker", service=self.name, address=self.entry.base_uri, state=state)


def _reason(error: Error) -> str:
    """What the library said, which may name addresses: for logs and for the operator."""
    cause = error.__cause__
    return "" if cause is None else f"({type(cause).__name__}: {cause})" if str(cause) else f"({type(cause).__name__})"
