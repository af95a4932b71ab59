"""An OpenTelemetry collector, as small as it can be: it takes what comes by OTLP/HTTP, and reads the protobuf."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.realtime.wire import until


class Collector:
    def __init__(self, *, answers: bool = True) -> None:
        self.url = ""
        self.spans: list[Span] = []
        self.resources: list[dict[str, str]] = []
        self.headers: dict[str, str] = {}
        self.asked = 0
        self._answers = answers

    async def find(self, name: str, trace_id: str | None = None) -> Span:
        """Waits for a step of that name."""

        def found() -> list[Span]:
            return [span for span in self.spans if span.name == name and trace_id in (None, span.trace_id.hex())]

        await until(found, 20)
        return found()[-1]

    def children_of(self, span: Span) -> list[str]:
        """The names of the steps below one, however far below."""
        below = [one for one in self.spans if one.parent_span_id == span.span_id]
        return [name for one in below for name in (one.name, *self.children_of(one))]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError), closing(writer.transport):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers["content-length"]))
                self.asked += 1
                if not self._answers:
                    await asyncio.sleep(3600)
                self._take(head[0], headers, body)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")

    def _take(self, line: str, headers: dict[str, str], body: bytes) -> None:
        assert line.startswith("POST /v1/traces ")
        assert headers["content-type"] == "application/x-protobuf"
        self.headers = headers
        data = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        for of_resource in ExportTraceServiceRequest.FromString(data).resource_spans:
            self.resources.append({one.key: one.value.string_value for one in of_resource.resource.attributes})
            self.spans += [span for of_scope in of_resource.scope_spans for span in of_scope.spans]


def notes(span: Span) -> dict[str, str | int]:
    """What is noted of a step."""
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@asynccontextmanager
async def collecting(*, answers: bool = True) -> AsyncIterator[Collector]:
    collector, tasks = Collector(answers=answers), set[asyncio.Task[object]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.current_task()
        assert serving is not None
        tasks.add(serving)
        await collector.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    collector.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield collector
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
