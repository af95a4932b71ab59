"""What a node says in numbers, in the form that Prometheus reads.

The parts of a node count in plain attributes, which costs nothing worth measuring even where it is hot; they are only
gathered here, when somebody asks. Every label is one of a few values that we chose ourselves: never a person, a room,
an address or anything else that a stranger can make more of.
"""

import platform
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from folkmoot import __version__
from folkmoot.realtime import codes
from folkmoot.telemetry.outbox import lines
from folkmoot.telemetry.parts import Parts
from folkmoot.telemetry.spread import Spread

REFUSALS = ("busy", "unavailable", "storage_full", "not_found", "invalid", "internal")  # of messages
LOST = 0  # beside the close codes: the connection was gone without one
OUR_CODES = {code.code for code in vars(codes).values() if isinstance(code, codes.Close)}
CLOSE_CODES = OUR_CODES | {LOST, 1000, 1001, 1002, 1005, 1006, 1007, 1009}  # a client may name thousands of others


class NodeMetrics(Collector):
    """The metrics of one node. Read in another thread than the loop's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def exposition(self) -> tuple[str, bytes]:
        """The type and the text of all metrics: of this node, and those that are kept for the whole process."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry) + generate_latest(REGISTRY)

    def describe(self) -> list[Metric]:
        return []  # so that nothing is collected only to find out the names

    def collect(self) -> Iterator[Metric]:
        for part in (self._process, self._http, self._sockets, self._commands, self._rooms, self._bus, self._sign_in):
            yield from part()
        yield from self._database()

    def _process(self) -> Iterator[Metric]:
        yield _gauge(
            "build_info",
            "The version that runs: always 1.",
            {(__version__, platform.python_version()): 1},
            ("version", "python"),
        )
        pulse = self._parts.pulse
        yield _spread("loop_lag_seconds", "How late the event loop turned.", {(): pulse.loop_lag})
        yield _gauge("loop_silence_seconds", "Time for which the event loop has not turned.", pulse.silence_s)
        yield _counter("log_lines_total", "Lines logged, by level.", _singly(lines.written), ("level",))
        yield _counter("log_lines_dropped_total", "Lines that could not be written in time.", lines.dropped)

    def _http(self) -> Iterator[Metric]:
        answered = {
            (method, route, str(status)): count
            for (method, route, status), count in self._parts.requests.answered.copy().items()
        }
        labels = ("method", "route", "status")
        yield _counter("http_requests_total", "Requests answered.", answered, labels)
        took_s = self._parts.requests.took_s.copy()
        yield _spread("http_request_seconds", "Time from a request's head to its answer.", took_s, labels[:2])
        performed = self._parts.core.performed.copy()
        yield _counter("actions_total", "Actions, by how they ended.", performed, ("action", "code"))
        yield _counter("limits_refused_total", "Tries beyond a limit that is shared by all nodes.",
                       self._parts.core.limiter.refused)  # fmt: skip

    def _sockets(self) -> Iterator[Metric]:
        connections, door = self._parts.connections, self._parts.door
        closed = dict.fromkeys(((str(code),) for code in sorted(CLOSE_CODES)), 0) | {("other",): 0}
        for code, count in connections.closed.copy().items():
            closed[(str(code) if code in CLOSE_CODES else "other",)] += count
        yield _gauge("sockets_open", "Open WebSockets.", len(connections))
        yield _counter("sockets_opened_total", "WebSockets opened.", connections.opened)
        yield _counter("sockets_closed_total", "WebSockets closed, by close code; 0: without one.", closed, ("code",))
        yield _gauge("sockets_queued_bytes", "Bytes that wait for slow clients.", connections.queued_bytes)
        yield _counter(
            "handshakes_refused_total",
            "WebSockets refused, by reason.",
            _singly(door.refused, "busy", "forbidden"),
            ("code",),
        )
        yield _gauge("handshakes_waiting", "Clients in line for a WebSocket.", len(door.waiting))
        yield _gauge("draining", "1 while the node sends everybody away.", int(connections.is_draining))

    def _commands(self) -> Iterator[Metric]:
        counted = self._parts.engine.counted
        commands = {(name, str(code)): count for (name, code), count in counted.commands.copy().items()}
        yield _counter("commands_total", "Commands on sockets, by error code; 0: none.", commands, ("command", "code"))
        took_s = {(name,): spread for name, spread in counted.command_s.copy().items()}
        yield _spread("command_seconds", "Time from a command to its reply.", took_s, ("command",))
        recoveries = {("recovered",): counted.recoveries[True], ("failed",): counted.recoveries[False]}
        yield _counter(
            "recoveries_total", "Subscriptions that came back for what they missed.", recoveries, ("outcome",)
        )

    def _rooms(self) -> Iterator[Metric]:
        hub, broker, writer = self._parts.engine.hub, self._parts.engine.broker, self._parts.core.writer
        yield _counter("deliveries_total", "Lines sent to listeners, once for each of them.", hub.delivered)
        yield _counter("deliveries_dropped_total", "Ephemeral frames that slow clients did without.",
                       self._parts.connections.dropped)  # fmt: skip
        yield _counter("sockets_slowed_total", "Times that a socket which sent too much was not read from for a while.",
                       self._parts.connections.slowed)  # fmt: skip
        yield _gauge("channels", "Channels with listeners on this node.", len(hub.channels))
        healed = {(found_by,): broker.healed[found_by] for found_by in ("hint", "sweep")}
        yield _counter("gap_heals_total", "Gaps in what the bus told, read from the log.", healed, ("found_by",))
        yield _counter("messages_written_total", "Messages written to the log.", writer.written)
        yield _counter("messages_refused_total", "Messages not written.", _singly(writer.refused, *REFUSALS), ("code",))
        yield _gauge("writer_waiting_messages", "Messages that wait to be written.", writer.waiting)
        yield _spread("writer_batch_messages", "Messages written in one transaction.", {(): writer.batches})
        yield _spread("writer_commit_seconds", "Time to write a batch, and to be sure of it.", {(): writer.commit_s})

    def _bus(self) -> Iterator[Metric]:
        bus = self._parts.core.bus
        yield _gauge("bus_up", "1 while this node hears the others through Redis.", int(bus.is_up))
        yield _counter("bus_connects_total", "How often the node began to hear the others.", bus.connects)
        yield _spread("bus_lag_seconds", "Time from a word on the bus to hearing it.", {(): self._parts.pulse.bus_lag})
        yield _counter("bus_published_total", "Publications for other nodes.", bus.published)
        yield _counter("bus_dropped_total", "Publications dropped while Redis was away.", bus.dropped)
        yield _gauge("bus_waiting_publications", "Publications that wait for Redis.", bus.waiting)
        yield _counter("redis_failures_total", "Questions that Redis did not answer in time.", bus.failures)
        channels, clients, untold = self._parts.engine.presence.here
        yield _gauge("presence_channels", "Channels that somebody on this node is in.", channels)
        yield _gauge("presence_clients", "Clients in channels on this node, once for each channel.", clients)
        yield _gauge("presence_untold_channels", "Channels whose presence Redis may not know.", untold)

    def _sign_in(self) -> Iterator[Metric]:
        passwords = self._parts.core.passwords
        yield _gauge("password_checks", "Password checks that run or wait.", passwords.running)
        yield _spread("password_check_seconds", "Time of a password check, with the wait.", {(): passwords.took_s})
        yield _counter("password_checks_refused_total", "Checks refused by a full queue.", passwords.refused)

    def _database(self) -> Iterator[Metric]:
        databases = self._parts.databases
        states = {name: database.connections() for name, database in databases.items()}
        connections = {
            (name, state): number
            for name, both in states.items()
            for state, number in zip(("used", "idle"), both, strict=True)
        }
        pools = ("pool",)
        yield _gauge("database_connections", "Connections to PostgreSQL.", connections, ("pool", "state"))
        sizes = {(name,): database.size for name, database in databases.items()}
        yield _gauge("database_connections_limit", "Connections that there may be.", sizes, pools)
        waiting = {(name,): database.waiting for name, database in databases.items()}
        yield _gauge("database_waiting", "Who waits for a connection.", waiting, pools)
        failures = {
            (name, code): count
            for name, database in databases.items()
            for code, count in ({"no_connection": 0, "unavailable": 0} | database.failures.copy()).items()
        }
        yield _counter("database_failures_total", "Times that the database failed us.", failures, ("pool", "code"))
        waits = {(name,): database.wait_s for name, database in databases.items()}
        yield _spread("database_wait_seconds", "Time until a connection was free.", waits, pools)


Samples = Mapping[Any, float]  # by the values of the labels


def _counter(name: str, about: str, samples: Samples | float, labels: tuple[str, ...] = ()) -> Metric:
    return _filled(CounterMetricFamily(f"folkmoot_{name}", about, labels=labels), samples)


def _gauge(name: str, about: str, samples: Samples | float, labels: tuple[str, ...] = ()) -> Metric:
    return _filled(GaugeMetricFamily(f"folkmoot_{name}", about, labels=labels), samples)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, samples: Samples | float) -> Metric:
    for labels, value in (samples if isinstance(samples, Mapping) else {(): samples}).items():
        family.add_metric(labels, value)
    return family


def _spread(name: str, about: str, spreads: Mapping[Any, Spread], labels: Iterable[str] = ()) -> Metric:
    family = HistogramMetricFamily(f"folkmoot_{name}", about, labels=tuple(labels))
    for values, spread in spreads.items():
        family.add_metric(values, spread.buckets(), spread.total)
    return family


def _singly(counts: Mapping[str, int], *expected: str) -> dict[tuple[str, ...], float]:
    """Those that are expected are there from the start: from nothing to one is no rate."""
    return {(name,): count for name, count in (dict.fromkeys(expected, 0) | dict(counts)).items()}
