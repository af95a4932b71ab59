"""What any process that runs for long says in numbers, in the form that Prometheus reads: workers, and more so nodes.

The parts of a process count in plain attributes, which costs nothing worth measuring even where it is hot; they are
only gathered here, when somebody asks. Every label is one of a few values that we chose ourselves: never a person, a
room, an address or anything else that a stranger can make more of.
"""

import platform
from collections.abc import Iterator
from typing import Generic, TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from folkmoot import __version__
from folkmoot.telemetry.families import counter, gauge, singly, spread
from folkmoot.telemetry.outbox import lines
from folkmoot.telemetry.parts import ProcessParts

REFUSALS = ("busy", "unavailable", "storage_full", "not_found", "invalid", "internal")  # of messages

P = TypeVar("P", bound=ProcessParts)


class ProcessMetrics(Collector, Generic[P]):
    """The metrics of one process. Read in another thread than the loop's."""

    def __init__(self, parts: P) -> None:
        self._parts = parts
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def exposition(self) -> tuple[str, bytes]:
        """The type and the text of all metrics: of these parts, and those that are kept for the whole process."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry) + generate_latest(REGISTRY)

    def describe(self) -> list[Metric]:
        return []  # so that nothing is collected only to find out the names

    def collect(self) -> Iterator[Metric]:
        for part in (self._process, self._actions, self._writer, self._bus, self._database):
            yield from part()

    def _process(self) -> Iterator[Metric]:
        yield gauge(
            "build_info",
            "The version that runs: always 1.",
            {(__version__, platform.python_version()): 1},
            ("version", "python"),
        )
        pulse = self._parts.pulse
        yield spread("loop_lag_seconds", "How late the event loop turned.", {(): pulse.loop_lag})
        yield gauge("loop_silence_seconds", "Time for which the event loop has not turned.", pulse.silence_s)
        yield counter("log_lines_total", "Lines logged, by level.", singly(lines.written), ("level",))
        yield counter("log_lines_dropped_total", "Lines that could not be written in time.", lines.dropped)

    def _actions(self) -> Iterator[Metric]:
        performed = self._parts.core.performed.copy()
        yield counter("actions_total", "Actions, by how they ended.", performed, ("action", "code"))
        yield counter("limits_refused_total", "Tries beyond a limit that is shared by all nodes.",
                       self._parts.core.limiter.refused)  # fmt: skip

    def _writer(self) -> Iterator[Metric]:
        writer = self._parts.core.writer
        yield counter("messages_written_total", "Messages written to the log.", writer.written)
        yield counter("messages_refused_total", "Messages not written.", singly(writer.refused, *REFUSALS), ("code",))
        yield gauge("writer_waiting_messages", "Messages that wait to be written.", writer.waiting)
        yield spread("writer_batch_messages", "Messages written in one transaction.", {(): writer.batches})
        yield spread("writer_commit_seconds", "Time to write a batch, and to be sure of it.", {(): writer.commit_s})

    def _bus(self) -> Iterator[Metric]:
        bus = self._parts.core.bus
        yield gauge("bus_up", "1 while this node hears the others through Redis.", int(bus.is_up))
        yield counter("bus_connects_total", "How often the node began to hear the others.", bus.connects)
        yield spread("bus_lag_seconds", "Time from a word on the bus to hearing it.", {(): self._parts.pulse.bus_lag})
        yield counter("bus_published_total", "Publications for other nodes.", bus.published)
        yield counter("bus_dropped_total", "Publications dropped while Redis was away.", bus.dropped)
        yield gauge("bus_waiting_publications", "Publications that wait for Redis.", bus.waiting)
        yield counter("redis_failures_total", "Questions that Redis did not answer in time.", bus.failures)

    def _database(self) -> Iterator[Metric]:
        databases = self._parts.databases
        states = {name: database.connections() for name, database in databases.items()}
        connections = {
            (name, state): number
            for name, both in states.items()
            for state, number in zip(("used", "idle"), both, strict=True)
        }
        pools = ("pool",)
        yield gauge("database_connections", "Connections to PostgreSQL.", connections, ("pool", "state"))
        sizes = {(name,): database.size for name, database in databases.items()}
        yield gauge("database_connections_limit", "Connections that there may be.", sizes, pools)
        waiting = {(name,): database.waiting for name, database in databases.items()}
        yield gauge("database_waiting", "Who waits for a connection.", waiting, pools)
        failures = {
            (name, code): count
            for name, database in databases.items()
            for code, count in ({"no_connection": 0, "unavailable": 0} | database.failures.copy()).items()
        }
        yield counter("database_failures_total", "Times that the database failed us.", failures, ("pool", "code"))
        waits = {(name,): database.wait_s for name, database in databases.items()}
        yield spread("database_wait_seconds", "Time until a connection was free.", waits, pools)
