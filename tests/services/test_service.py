"""One service: what is sent to it and to nobody else, and what is made of its answers."""

import asyncio
import base64
import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import structlog
from prometheus_client import REGISTRY

from folkmoot.errors import Busy, Error, ServiceAway, ServiceFailed, ServiceRefused, Unavailable
from folkmoot.services import Services, UnsafePath
from folkmoot.services.turns import Turns
from tests.services.conftest import Named
from tests.services.upstream import Asked, answer, saying, silent, upstream

Write = Callable[[str], Path]


async def test_it_sends_what_the_operator_said_and_nothing_of_the_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HELLO_TOKEN", "canary")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password other\n")
    async with upstream(saying("ok", Set_Cookie="a=b")) as it:
        text = f"it:\n  base_uri: {it.address}/api\n  headers: {{Accept: text/plain}}\n"
        async with Services.of_file(write(text + "  credentials: {bearer: {env: HELLO_TOKEN}}\n")) as services:
            await services["it"].get("/a", params={"q": "x y&z", "n": 1})
            await services["it"].post("/b", {"name": "Zoë"})
        first, second = it.asked
    assert (first.method, first.target) == ("GET", "/api/a?q=x+y%26z&n=1")
    assert (second.method, second.target, second.body.decode()) == ("POST", "/api/b", '{"name":"Zoë"}')
    assert first.headers["authorization"] == "Bearer canary"
    assert first.headers["accept"] == "text/plain"
    assert first.headers["accept-encoding"] == "identity"
    assert first.headers["user-agent"].startswith("Folkmoot/")
    assert "cookie" not in second.headers, "what one caller was given is not another's"
    assert it.connections == 1, "a connection is used again"


async def test_credentials_go_to_their_own_service_alone(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "canary")
    async with upstream(saying("1")) as one, upstream(saying("2")) as two:
        text = f"one:\n  base_uri: {one.address}\n  credentials: {{basic: {{user: us, password: {{env: ONE}}}}}}\n"
        async with Services.of_file(write(f"{text}two:\n  base_uri: {two.address}\n")) as services:
            assert [await service.get("/") for service in services] == ["1", "2"]
    assert one.asked[0].headers["authorization"] == f"Basic {base64.b64encode(b'us:canary').decode()}"
    assert "authorization" not in two.asked[0].headers


@pytest.mark.parametrize(
    "path", ["//127.0.0.1:{evil}/", "http://127.0.0.1:{evil}/", "@127.0.0.1:{evil}/", "/../a", "/%2e%2e/a"]
)
async def test_no_path_leads_to_another_host_or_above(named: Named, path: str) -> None:
    async with upstream(saying()) as it, upstream(saying()) as evil, named(f"{it.address}/api") as service:
        with pytest.raises(UnsafePath):
            await service.get(path.format(evil=evil.port))
        assert it.asked == evil.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(named: Named, status: int) -> None:
    async with upstream(saying()) as evil, upstream(saying(status=status, Location=evil.address)) as it:
        async with named(it.address) as service:
            with pytest.raises(ServiceFailed, match=f"answered {status}, to somewhere else, which is not followed"):
                await service.get("/")
        assert len(it.asked) == 1
        assert evil.asked == []


async def test_a_refusal_of_the_service_is_told_with_what_it_said(named: Named) -> None:
    async with upstream(saying("no such person" * 100, 404)) as it, named(it.address, breaker_failures=1) as service:
        for _ in range(3):
            with pytest.raises(ServiceRefused, match="The service it refused the request with status 404") as refused:
                await service.get("/hello/nobody")
        assert (refused.value.upstream_status, refused.value.said[:14]) == (404, "no such person")
        assert len(refused.value.said) == 500
        assert (refused.value.status, refused.value.temporary) == (502, False)
        assert service.breaker == "closed", "a service that refuses is well"
        assert len(it.asked) == 3, "it is not asked the same again"


async def test_a_dead_service_is_unavailable_and_named(named: Named, free_port: int) -> None:
    async with named(f"http://127.0.0.1:{free_port}", retries=0) as service:
        with pytest.raises(ServiceAway, match="The service it does not answer") as away:
            await service.get("/")
    assert (away.value.status, away.value.code, away.value.service) == (503, "service_away", "it")
    assert "127.0.0.1" not in away.value.detail, "members need not know the address"


async def test_a_safe_request_is_repeated_and_others_are_not(named: Named) -> None:
    async def once_well(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer("well" if len(it.asked) == 3 else "ill", 200 if len(it.asked) == 3 else 503))

    async with upstream(once_well) as it, named(it.address) as service:
        assert await service.get("/") == "well"
        assert len(it.asked) == 3
        it.asked.clear()
        with pytest.raises(ServiceFailed, match="The service it failed with status 503"):
            await service.post("/", {})
        assert len(it.asked) == 1


async def test_repeats_come_later_and_later_and_never_after_the_time_is_up(named: Named) -> None:
    loop = asyncio.get_running_loop()
    async with upstream(saying("ill", 500)) as it, named(it.address, retries=10, total_s=1.0) as service:
        began_at = loop.time()
        with pytest.raises(ServiceFailed):
            await service.get("/")
        assert loop.time() - began_at < 3
        assert 1 < len(it.asked) < 11


async def test_who_fails_in_a_row_is_left_alone_for_a_while(named: Named) -> None:
    keys = {"retries": 0, "breaker_failures": 2, "breaker_open_s": 1}
    async with upstream(saying("ill", 500)) as it, named(it.address, **keys) as service:
        for _ in range(2):
            with pytest.raises(ServiceFailed):
                await service.get("/")
        with pytest.raises(ServiceAway, match="failed too often and is left alone") as away:
            await service.get("/")
        assert away.value.retry_after_s == 1
        assert len(it.asked) == 2
        assert REGISTRY.get_sample_value("folkmoot_services_breaker_open", {"service": "it"}) == 1
        it.behave = saying("well")
        while service.breaker == "open":
            await asyncio.sleep(0.01)
        assert await service.get("/") == "well"
        assert service.breaker == "closed"
        assert REGISTRY.get_sample_value("folkmoot_services_breaker_open", {"service": "it"}) == 0


async def test_only_so_many_ask_at_a_time_so_many_wait_and_nobody_else(named: Named) -> None:
    async with upstream(silent) as it, named(it.address, concurrency=2, queue=1, total_s=1.5, retries=0) as service:
        callers = [asyncio.create_task(service.get("/")) for _ in range(3)]
        while len(it.asked) < 2:
            await asyncio.sleep(0.01)
        with pytest.raises(Busy, match="Too many requests wait for the service it"):
            await service.get("/")
        ends = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(end) for end in ends[:2]] == [ServiceAway, ServiceAway]
        assert isinstance(ends[2], Unavailable), "its time was up as well, before or after its turn came"


async def test_who_waits_for_a_turn_waits_no_longer_than_they_may() -> None:
    turns, now = Turns(at_once=1, queue=1), asyncio.get_running_loop().time()
    async with turns.turn("it", now + 60):
        with pytest.raises(Busy, match="The service it had no time for this request"):
            async with turns.turn("it", now + 0.05):
                pass
    async with turns.turn("it", now + 60):
        pass


async def test_who_gives_up_leaves_the_place_and_the_breaker_as_they_were(named: Named) -> None:
    async with upstream(silent) as it, named(it.address, concurrency=1, breaker_failures=1) as service:
        for count in range(5):
            caller = asyncio.create_task(service.get("/"))
            while len(it.asked) <= count:
                await asyncio.sleep(0.01)
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
        it.behave = saying("well")
        assert await service.get("/") == "well"


async def test_an_answer_is_never_another_callers(named: Named) -> None:
    """Callers who go away in the middle of their answer leave a connection that nobody may use again."""

    async def echo(asked: Asked, writer: asyncio.StreamWriter) -> None:
        whole = answer(asked.target * 50)
        writer.write(whole[:100])
        await asyncio.sleep(0.001)
        writer.write(whole[100:])

    async def ask(number: int) -> None:
        caller = asyncio.create_task(service.get(f"/{number}"))
        if number % 2:
            await asyncio.sleep(number % 7 / 1000)
            caller.cancel()
        with suppress(asyncio.CancelledError):
            assert await caller == f"/{number}" * 50

    async with upstream(echo) as it, named(it.address, concurrency=5, queue=200, total_s=20) as service:
        await asyncio.gather(*(ask(number) for number in range(200)))


async def test_a_compressed_answer_is_not_unpacked(named: Named) -> None:
    bomb = gzip.compress(bytes(10_000_000)).decode("latin-1")

    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        writer.write((head + bomb).encode("latin-1"))

    async with upstream(behave) as it, named(it.address) as service:
        with pytest.raises(ServiceFailed, match="compressed its answer"):
            await service.get("/")


async def test_answers_are_read_as_they_say(named: Named) -> None:
    async with upstream(saying('{"name": "Zoë"}', Content_Type="application/json")) as it, named(it.address) as service:
        assert (await service.request("GET", "/")).json() == {"name": "Zoë"}
        it.behave = saying("no JSON", Content_Type="text/plain; charset=no-such-charset")
        answered = await service.request("GET", "/")
        assert (answered.text, answered.status) == ("no JSON", 200)
        with pytest.raises(ServiceFailed, match="answered something that is no JSON"):
            answered.json()
        it.behave = saying("[" * 500_000)
        with pytest.raises(ServiceFailed, match="no JSON"):
            (await service.request("GET", "/")).json()


async def test_a_method_nobody_knows_is_refused(named: Named) -> None:
    async with upstream(saying()) as it, named(it.address) as service:
        with pytest.raises(ValueError, match="'CONNECT' is not one of"):
            await service.request("CONNECT", "/")
        assert it.asked == []


async def test_logs_and_errors_hold_no_secret_and_no_path(
    write: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TOKEN", "canary-token")
    async with upstream(saying("canary-answer", 500)) as it:
        text = f"it:\n  base_uri: {it.address}\n  retries: 0\n  credentials: {{bearer: {{env: TOKEN}}}}\n"
        async with Services.of_file(write(text)) as services:
            with structlog.testing.capture_logs() as lines, pytest.raises(Error) as failed:
                await services["it"].get("/canary-path", params={"q": "canary-query"})
            assert "canary" not in repr(services["it"].__dict__)
    assert [line["event"] for line in lines] == ["services.failed"]
    assert "canary" not in repr(lines) + str(failed.value)


async def test_it_is_measured(named: Named) -> None:
    def count(outcome: str) -> float:
        labels = {"service": "it", "outcome": outcome}
        return REGISTRY.get_sample_value("folkmoot_services_request_seconds_count", labels) or 0

    before = count("ok"), count("service_refused")
    async with upstream(saying("ok")) as it, named(it.address) as service:
        await service.get("/")
        it.behave = saying(status=400)
        with pytest.raises(ServiceRefused):
            await service.get("/")
    assert (count("ok"), count("service_refused")) == (before[0] + 1, before[1] + 1)
    assert REGISTRY.get_sample_value("folkmoot_services_in_flight", {"service": "it"}) == 0


async def test_a_look_says_whether_a_service_is_well(named: Named, free_port: int) -> None:
    async with upstream(saying("ok", 404)) as it:
        async with named(it.address) as service:
            health = await service.check()
            assert (health.ok, health.says) == (True, "answers 404")
        async with named(it.address, health="/health") as service:
            assert not (await service.check()).ok
            it.behave = saying("ok")
            assert (await service.check()).ok
            assert it.asked[-1].target == "/health"
            it.behave = saying("ill", 503)
            assert "failed with status 503" in (await service.check()).says
    async with named(f"http://127.0.0.1:{free_port}") as service:
        health = await service.check()
        assert not health.ok
        assert "does not answer" in health.says
        assert "ConnectError" in health.says
