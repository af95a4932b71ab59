"""What a node says in numbers, beside what any process does."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from folkmoot.realtime import codes
from folkmoot.telemetry.families import counter, gauge, singly, spread
from folkmoot.telemetry.parts import Parts, ProcessParts
from folkmoot.telemetry.process import ProcessMetrics

LOST = 0  # beside the close codes: the connection was gone without one
OUR_CODES = {code.code for code in vars(codes).values() if isinstance(code, codes.Close)}
CLOSE_CODES = OUR_CODES | {LOST, 1000, 1001, 1002, 1005, 1006, 1007, 1009}  # a client may name thousands of others


def metrics_of(parts: ProcessParts) -> "ProcessMetrics[ProcessParts] | NodeMetrics":
    return NodeMetrics(parts) if isinstance(parts, Parts) else ProcessMetrics(parts)


class NodeMetrics(ProcessMetrics[Parts]):
    """The metrics of one node. Read in another thread than the loop's."""

    def collect(self) -> Iterator[Metric]:
        yield from super().collect()
        for part in (self._http, self._sockets, self._commands, self._rooms, self._presence, self._sign_in):
            yield from part()

    def _http(self) -> Iterator[Metric]:
        answered = {
            (method, route, str(status)): count
            for (method, route, status), count in self._parts.requests.answered.copy().items()
        }
        labels = ("method", "route", "status")
        yield counter("http_requests_total", "Requests answered.", answered, labels)
        took_s = self._parts.requests.took_s.copy()
        yield spread("http_request_seconds", "Time from a request's head to its answer.", took_s, labels[:2])

    def _sockets(self) -> Iterator[Metric]:
        connections, door = self._parts.connections, self._parts.door
        closed = dict.fromkeys(((str(code),) for code in sorted(CLOSE_CODES)), 0) | {("other",): 0}
        for code, count in connections.closed.copy().items():
            closed[(str(code) if code in CLOSE_CODES else "other",)] += count
        yield gauge("sockets_open", "Open WebSockets.", len(connections))
        yield counter("sockets_opened_total", "WebSockets opened.", connections.opened)
        yield counter("sockets_closed_total", "WebSockets closed, by close code; 0: without one.", closed, ("code",))
        yield gauge("sockets_queued_bytes", "Bytes that wait for slow clients.", connections.queued_bytes)
        yield counter(
            "handshakes_refused_total",
            "WebSockets refused, by reason.",
            singly(door.refused, "busy", "forbidden"),
            ("code",),
        )
        yield gauge("handshakes_waiting", "Clients in line for a WebSocket.", len(door.waiting))
        yield gauge("draining", "1 while the node sends everybody away.", int(connections.is_draining))

    def _commands(self) -> Iterator[Metric]:
        counted = self._parts.engine.counted
        commands = {(name, str(code)): count for (name, code), count in counted.commands.copy().items()}
        yield counter("commands_total", "Commands on sockets, by error code; 0: none.", commands, ("command", "code"))
        took_s = {(name,): spread for name, spread in counted.command_s.copy().items()}
        yield spread("command_seconds", "Time from a command to its reply.", took_s, ("command",))
        recoveries = {("recovered",): counted.recoveries[True], ("failed",): counted.recoveries[False]}
        yield counter(
            "recoveries_total", "Subscriptions that came back for what they missed.", recoveries, ("outcome",)
        )

    def _rooms(self) -> Iterator[Metric]:
        hub, broker = self._parts.engine.hub, self._parts.engine.broker
        yield counter("deliveries_total", "Lines sent to listeners, once for each of them.", hub.delivered)
        yield counter("deliveries_dropped_total", "Ephemeral frames that slow clients did without.",
                       self._parts.connections.dropped)  # fmt: skip
        yield counter("sockets_slowed_total", "Times that a socket which sent too much was not read from for a while.",
                       self._parts.connections.slowed)  # fmt: skip
        yield gauge("channels", "Channels with listeners on this node.", len(hub.channels))
        healed = {(found_by,): broker.healed[found_by] for found_by in ("hint", "sweep")}
        yield counter("gap_heals_total", "Gaps in what the bus told, read from the log.", healed, ("found_by",))

    def _presence(self) -> Iterator[Metric]:
        channels, clients, untold = self._parts.engine.presence.here
        yield gauge("presence_channels", "Channels that somebody on this node is in.", channels)
        yield gauge("presence_clients", "Clients in channels on this node, once for each channel.", clients)
        yield gauge("presence_untold_channels", "Channels whose presence Redis may not know.", untold)

    def _sign_in(self) -> Iterator[Metric]:
        passwords = self._parts.core.passwords
        yield gauge("password_checks", "Password checks that run or wait.", passwords.running)
        yield spread("password_check_seconds", "Time of a password check, with the wait.", {(): passwords.took_s})
        yield counter("password_checks_refused_total", "Checks refused: too many wait, or too long.", passwords.refused)
