"""Traces by OpenTelemetry, over OTLP/HTTP. Loaded only when the operator names a collector.

Steps wait in a bounded queue for a thread that sends them; when the collector is away they are dropped. Nobody waits
for any of that, except for a moment at the end of the process.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from folkmoot import __version__
from folkmoot.errors import Error
from folkmoot.settings import Settings
from folkmoot.telemetry import tracing
from folkmoot.telemetry.clean import one_line

QUEUE = 4_096  # steps that wait to be sent; beyond it they are dropped
BATCH = 512
EVERY_MS = 2_000
EXPORT_S = 5.0
CLOSE_S = 2.0

KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
_propagator = TraceContextTextMapPropagator()


class Otel:
    """The tracer of this process."""

    def __init__(self, settings: Settings, node: str) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        ours = TraceIdRatioBased(settings.otel_traces_sampler_arg)
        self._provider = TracerProvider(
            # A caller's trace is continued, but how many are kept is for us to say: anybody may call.
            sampler=ParentBased(root=ours, remote_parent_sampled=ours, remote_parent_not_sampled=ALWAYS_OFF),
            resource=Resource.create(
                {
                    "service.name": "folkmoot",
                    "service.version": __version__,
                    "service.instance.id": node,
                    "deployment.environment.name": settings.environment,
                }
            ),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(
            endpoint=f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces",
            headers=_headers(settings.otel_exporter_otlp_headers.get_secret_value()),
            timeout=EXPORT_S,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter, max_queue_size=QUEUE, max_export_batch_size=BATCH, schedule_delay_millis=EVERY_MS
            )
        )
        self._tracer = self._provider.get_tracer("folkmoot", __version__)

    async def close(self) -> None:
        """Sends what waits, as far as that can be done in a moment."""
        tracing.use(None)
        closing = Thread(target=self._provider.shutdown, name="otel-close", daemon=True)
        closing.start()
        await asyncio.get_running_loop().run_in_executor(None, closing.join, CLOSE_S)

    @contextmanager
    def step(
        self, name: str, kind: tracing.Kind, traceparent: str | None, notes: Mapping[str, tracing.Value]
    ) -> Iterator[tracing.Step]:
        parent = _propagator.extract({"traceparent": traceparent}, Context()) if traceparent else None
        span = self._tracer.start_span(name, parent, KINDS[kind], _attributes(notes))
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield _Step(span)
            except Error as error:
                span.set_attribute("error.type", error.code)
                raise
            except Exception as fault:  # whatever it is, the trace says so, and it rises
                _Step(span).failed(type(fault).__qualname__)
                raise

    def here(self) -> tracing.Place | None:
        return trace.set_span_in_context(span) if (span := trace.get_current_span()).is_recording() else None

    def record(
        self, name: str, place: tracing.Place, began_ns: int, ended_ns: int, notes: Mapping[str, tracing.Value]
    ) -> None:
        span = self._tracer.start_span(name, cast("Context", place), attributes=_attributes(notes), start_time=began_ns)
        span.end(ended_ns)

    def ids(self) -> tuple[str, str]:
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return "", ""
        return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier


class _Step:
    def __init__(self, span: Span) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, name: str, value: tracing.Value) -> None:
        self._span.set_attribute(name, _clean(value))

    def failed(self, code: str) -> None:
        self._span.set_attribute("error.type", code)
        self._span.set_status(Status(StatusCode.ERROR))


def _attributes(notes: Mapping[str, tracing.Value]) -> dict[str, tracing.Value]:
    return {name.replace("__", "."): _clean(value) for name, value in notes.items()}


def _clean(value: tracing.Value) -> tracing.Value:
    return one_line(value) if isinstance(value, str) else value


def _headers(given: str) -> dict[str, str]:
    """`name=value,name=value`, as the standard variable has them."""
    pairs = (pair.partition("=") for pair in given.split(",") if "=" in pair)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def start(settings: Settings, node: str) -> Otel:
    """Begins to trace this process."""
    tracer = Otel(settings, node)
    tracing.use(tracer)
    return tracer
