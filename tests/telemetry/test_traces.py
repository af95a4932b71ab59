"""Traces: each step of a request, sent to a collector; and nothing of it unless it is wanted."""

import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.settings import BadSettings, Settings, load_settings
from folkmoot.telemetry import tracing
from tests.conftest import Start
from tests.people import enrol
from tests.realtime.wire import wired
from tests.telemetry.collector import collecting, notes
from tests.telemetry.conversation import CANARY, visiting
from tests.telemetry.served import served

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{CALLER}-01"}


async def test_a_message_is_followed_from_the_callers_trace_to_its_commit_and_into_the_logs(
    node: Node, settings: Settings, tmp_path: Path
) -> None:
    async with (
        collecting() as collector,
        served(settings, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, ENVIRONMENT="test") as server,
        enrol(node, "Ada") as ada,
        visiting(server, ada.token) as http,
    ):
        room_id = await ada.make_room()
        said = {"body": CANARY, "client_id": str(uuid4())}
        answer = await http.post(f"/api/v1.0/rooms/{room_id}/messages?x={CANARY}", json=said, headers=TRACEPARENT)
        assert answer.status_code == 201
        assert (await http.get(f"/api/v1.0/rooms/{room_id}")).status_code == 200
        async with wired(server.port, ada.token) as wire:
            await wire.post(room_id, CANARY)

        request = await collector.find("POST /v1.0/rooms/{room_id}/messages", TRACE)
        assert (request.parent_span_id.hex(), request.kind) == (CALLER, Span.SPAN_KIND_SERVER)
        assert notes(request) == {
            "http.request.method": "POST",
            "http.route": "/v1.0/rooms/{room_id}/messages",
            "http.response.status_code": 201,
            "url.path": f"/api/v1.0/rooms/{room_id}/messages",
        }
        below = collector.children_of(request)
        assert {"messages.send", "writer.queue", "writer.commit", "publish"} <= set(below)
        commit = await collector.find("writer.commit", TRACE)
        assert request.start_time_unix_nano < commit.start_time_unix_nano < commit.end_time_unix_nano
        assert commit.end_time_unix_nano <= request.end_time_unix_nano
        published = await collector.find("socket publish")
        assert {"messages.send", "writer.commit"} <= set(collector.children_of(published))
        assert published.trace_id.hex() != TRACE
        assert collector.resources[0].items() >= {
            ("service.name", "folkmoot"), ("deployment.environment.name", "test"),
        }  # fmt: skip
        asked = await collector.find("GET /v1.0/rooms/{room_id}")
        assert {"rooms.get", "postgresql"} <= set(collector.children_of(asked))
        statement = notes(await collector.find("postgresql", asked.trace_id.hex()))["db.query.text"]
        assert "$1" in str(statement), "a statement without its values"
        assert CANARY not in str(collector.spans)
        assert ada.token not in str(collector.spans)

        (line,) = await server.hears("request", trace__id=TRACE)
        assert line["transaction.id"] == request.span_id.hex()
        assert await server.stop() == 0, "the last steps are sent before the end"
    assert await collector.find("socket connect")


def test_a_callers_trace_is_read_or_left_alone() -> None:
    assert tracing.trace_of(TRACEPARENT["traceparent"]) == TRACE
    for wrong in (None, "", "x", f"00-{'0' * 32}-{CALLER}-01", f"00-{TRACE}-{CALLER}", f"00-{TRACE}\n-{CALLER}-01"):
        assert tracing.trace_of(wrong) is None


def test_nothing_of_it_is_loaded_unless_it_is_wanted() -> None:
    code = "import sys, folkmoot.app, folkmoot.commands; "
    # redis-py loads a little of it by itself, where it is installed.
    code += (
        "print([one for one in sys.modules if one.startswith(('opentelemetry.sdk.trace', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert tracing.ids() == ("", "")
    assert tracing.headers() == {}
    with tracing.step("anything", number=1) as step:
        step.note("nothing", 1)


@pytest.mark.parametrize("how", ["gone", "silent"])
async def test_a_dead_collector_hurts_nobody(start: Start, how: str, free_port: int) -> None:
    async with collecting(answers=False) as silent:
        url = silent.url if how == "silent" else f"http://127.0.0.1:{free_port}"
        async with start(otel_exporter_otlp_endpoint=url) as node, enrol(node, "Ada") as ada:
            room_id = await ada.make_room()
            for number in range(100):
                began = time.monotonic()
                await ada.say(room_id, f"message {number}")
                assert time.monotonic() - began < 5
            ended = time.monotonic()
        assert time.monotonic() - ended < 10
        assert not tracing.is_on()


async def test_the_operator_says_how_many_are_kept_whatever_callers_want(start: Start) -> None:
    async with collecting() as collector:
        changes = {"otel_exporter_otlp_endpoint": collector.url}
        async with start(**changes, otel_traces_sampler_arg=0.0) as node, enrol(node, "Ada") as ada:
            await ada.http.get("/api/v1.0/rooms", headers=TRACEPARENT)
        assert collector.asked == 0
        async with start(**changes) as node, enrol(node, "Ada") as ada:
            await ada.http.get("/api/v1.0/rooms", headers={"traceparent": f"00-{TRACE}-{CALLER}-00"})
            assert (await ada.http.get("/api/v1.0/people")).status_code == 200
        names = {span.name for span in collector.spans}
        assert "GET /v1.0/people" in names
        assert "GET /v1.0/rooms" not in names, "whoever called did not want it"


async def test_a_fault_is_one_in_its_trace_and_a_refusal_is_not(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from folkmoot.modules.rooms import store

    async def fault(*_: object) -> None:
        raise RuntimeError("what went wrong")

    headers = SecretStr("authorization=Basic abc,x-tenant = chat")
    async with collecting() as collector:
        given = {"otel_exporter_otlp_endpoint": collector.url, "otel_exporter_otlp_headers": headers}
        async with start(**given) as node, enrol(node, "Ada") as ada:
            assert (await ada.http.get("/api/v1.0/rooms/999999999")).status_code == 404
            monkeypatch.setattr(store, "of_user", fault)
            assert (await ada.http.get("/api/v1.0/rooms")).status_code == 500
        assert (collector.headers["authorization"], collector.headers["x-tenant"]) == ("basic abc", "chat")
        faulty = await collector.find("GET /v1.0/rooms")
        assert (faulty.status.code, notes(faulty)["error.type"]) == (2, "500")
        refused = await collector.find("rooms.get")
        assert (refused.status.code, notes(refused)["error.type"]) == (0, "not_found")


async def test_a_trace_goes_on_in_the_service_that_is_called(start: Start) -> None:
    async with collecting() as collector, start(otel_exporter_otlp_endpoint=collector.url):
        with tracing.step("around", kind="server", traceparent=TRACEPARENT["traceparent"]):
            request = httpx.Request("GET", "http://service.test", headers=tracing.headers())
    around = await collector.find("around")
    assert request.headers["traceparent"] == f"00-{TRACE}-{around.span_id.hex()}-01"


def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")
    with pytest.raises(BadSettings, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        load_settings()
