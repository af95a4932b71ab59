"""Writes deploy/grafana/folkmoot.json: the dashboard, from the list of what it shows."""

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "deploy" / "grafana" / "folkmoot.json"
SOURCE = {"type": "prometheus", "uid": "${source}"}
MINE = '{job="$job", instance=~"$instance"}'
WIDTH, HEIGHT, ACROSS = 8, 7, 3


def rate(name: str, by: str, more: str = "") -> str:
    return f"sum by ({by}) (rate({name}{_with(more)}[$__rate_interval]))"


def quantile(share: float, name: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({name}_bucket{MINE}[$__rate_interval])))"


def now(name: str, by: str, more: str = "") -> str:
    return f"sum by ({by}) ({name}{_with(more)})"


def _with(more: str) -> str:
    return MINE[:-1] + (f", {more}" if more else "") + "}"


Panel = tuple[str, str, str, list[tuple[str, str]]]

ROWS: list[tuple[str, list[Panel]]] = [
    (
        "Members",
        [
            ("Open sockets", "short", "People who are connected now.", [(now("folkmoot_sockets_open", "instance"), "{{instance}}")]),
            ("Messages written", "wps", "Messages that are safe, a second.", [(rate("folkmoot_messages_written_total", "instance"), "{{instance}}")]),
            ("Deliveries", "ops", "Lines sent to listeners, once for each.", [(rate("folkmoot_deliveries_total", "instance"), "{{instance}}")]),
            ("Messages not written", "wps", "Each of these was answered with an error.", [(rate("folkmoot_messages_refused_total", "code"), "{{code}}")]),
            ("Recoveries", "ops", "Clients that came back for what they missed.", [(rate("folkmoot_recoveries_total", "outcome"), "{{outcome}}")]),
            ("Sockets closed", "ops", "By close code: 3008 is slow, 3012 no pong, 3001 we stop, 0 lost.", [(rate("folkmoot_sockets_closed_total", "code") + " > 0", "{{code}}")]),
            ("Sign-ins", "ops", "How they end.", [(rate("folkmoot_actions_total", "code", 'action=~"accounts.sign_in.*"'), "{{code}}")]),
            ("Sockets refused", "ops", "By reason.", [(rate("folkmoot_handshakes_refused_total", "code"), "{{code}}")]),
            ("Presence", "short", "Clients in channels; and channels that Redis may not know of.", [(now("folkmoot_presence_clients", "instance"), "{{instance}}"), (now("folkmoot_presence_untold_channels", "instance"), "untold {{instance}}")]),
        ],
    ),
    (
        "Requests and commands",
        [
            ("Requests", "reqps", "By status.", [(rate("folkmoot_http_requests_total", "status"), "{{status}}")]),
            ("Request time, p99", "s", "By route.", [(quantile(0.99, "folkmoot_http_request_seconds", "route"), "{{route}}")]),
            ("Actions that failed", "ops", "Whichever door they came through.", [(rate("folkmoot_actions_total", "action, code", 'code!="ok"') + " > 0", "{{action}} {{code}}")]),
            ("Commands", "ops", "On sockets, by command.", [(rate("folkmoot_commands_total", "command"), "{{command}}")]),
            ("Command time, p99", "s", "By command.", [(quantile(0.99, "folkmoot_command_seconds", "command"), "{{command}}")]),
            ("Commands refused", "ops", "By error code: 103 not allowed, 111 too many, 100 our fault.", [(rate("folkmoot_commands_total", "code", 'code!="0"'), "{{code}}")]),
            ("gRPC calls", "ops", "By status.", [(rate("folkmoot_grpc_calls_total", "status"), "{{status}}")]),
            ("Services, p99", "s", "How long callers waited for each.", [(quantile(0.99, "folkmoot_services_request_seconds", "service"), "{{service}}")]),
            ("Jobs", "short", "By state.", [(now("folkmoot_jobs", "state"), "{{state}}")]),
        ],
    ),
    (
        "PostgreSQL",
        [
            ("Commit time", "s", "To write a batch of messages, and to be sure of it.", [(quantile(0.5, "folkmoot_writer_commit_seconds"), "p50"), (quantile(0.99, "folkmoot_writer_commit_seconds"), "p99")]),
            ("Batch", "short", "Messages written in one transaction.", [(quantile(0.5, "folkmoot_writer_batch_messages"), "p50"), (quantile(0.99, "folkmoot_writer_batch_messages"), "p99")]),
            ("Messages waiting", "short", "To be written.", [(now("folkmoot_writer_waiting_messages", "instance"), "{{instance}}")]),
            ("Connections in use", "short", "Of each pool, and how many there may be.", [(now("folkmoot_database_connections", "pool", 'state="used"'), "{{pool}}"), (now("folkmoot_database_connections_limit", "pool"), "limit {{pool}}")]),
            ("Waiting for a connection, p99", "s", "By pool.", [(quantile(0.99, "folkmoot_database_wait_seconds", "pool"), "{{pool}}")]),
            ("Failures", "ops", "No connection in time, or no answer.", [(rate("folkmoot_database_failures_total", "pool, code"), "{{pool}} {{code}}")]),
        ],
    ),
    (
        "Redis",
        [
            ("Nodes that hear the others", "short", "1 is well.", [(now("folkmoot_bus_up", "instance"), "{{instance}}")]),
            ("Lag", "s", "From a word on the bus to hearing it.", [(quantile(0.5, "folkmoot_bus_lag_seconds"), "p50"), (quantile(0.99, "folkmoot_bus_lag_seconds"), "p99")]),
            ("Gaps read from the log", "ops", "Hints that were lost or late.", [(rate("folkmoot_gap_heals_total", "found_by"), "{{found_by}}")]),
            ("Publications", "ops", "And those dropped while Redis was away.", [(rate("folkmoot_bus_published_total", "instance"), "{{instance}}"), (rate("folkmoot_bus_dropped_total", "instance"), "dropped {{instance}}")]),
            ("Connects", "short", "How often nodes began to hear the others, in the last hour.", [("sum by (instance) (increase(folkmoot_bus_connects_total" + MINE + "[1h]))", "{{instance}}")]),
            ("Questions without an answer", "ops", "Of Redis.", [(rate("folkmoot_redis_failures_total", "instance"), "{{instance}}")]),
        ],
    ),
    (
        "The process",
        [
            ("Loop lag, p99", "s", "How late the event loop turns: everything else waits for it.", [(quantile(0.99, "folkmoot_loop_lag_seconds", "instance"), "{{instance}}")]),
            ("CPU", "percentunit", "1 is a core.", [(rate("process_cpu_seconds_total", "instance"), "{{instance}}")]),
            ("Memory", "bytes", "Resident.", [(now("process_resident_memory_bytes", "instance"), "{{instance}}")]),
            ("Password checks", "short", "That run or wait.", [(now("folkmoot_password_checks", "instance"), "{{instance}}")]),
            ("Open files", "short", "And how many there may be.", [(now("process_open_fds", "instance"), "{{instance}}"), (now("process_max_fds", "instance"), "limit {{instance}}")]),
            ("Log lines", "ops", "By level, and those that were lost.", [(rate("folkmoot_log_lines_total", "level"), "{{level}}"), (rate("folkmoot_log_lines_dropped_total", "instance"), "lost {{instance}}")]),
            ("Bytes that wait for slow clients", "bytes", "Past a bound for each their sockets are closed.", [(now("folkmoot_sockets_queued_bytes", "instance"), "{{instance}}")]),
            ("Version", "short", "What runs.", [(now("folkmoot_build_info", "instance, version"), "{{instance}} {{version}}")]),
        ],
    ),
]  # fmt: skip


def dashboard() -> dict[str, Any]:
    """As Grafana imports and provisions it."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, shown in ROWS:
        panels.append(_row(len(panels) + 1, title, top))
        top += 1
        for place, panel in enumerate(shown):
            left = place % ACROSS * WIDTH
            panels.append(_panel(len(panels) + 1, panel, left, top + place // ACROSS * HEIGHT))
        top += -(-len(shown) // ACROSS) * HEIGHT
    return {
        "uid": "folkmoot", "title": "Folkmoot", "tags": ["folkmoot"], "schemaVersion": 39, "version": 1,
        "editable": True, "refresh": "30s", "time": {"from": "now-3h", "to": "now"}, "timezone": "browser",
        "templating": {"list": [_source(), _choice("job", "folkmoot_build_info", several=False),
                                _choice("instance", 'folkmoot_build_info{job="$job"}', several=True)]},
        "panels": panels,
    }  # fmt: skip


def _row(number: int, title: str, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": WIDTH * ACROSS, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _panel(number: int, panel: Panel, left: int, top: int) -> dict[str, Any]:
    title, unit, about, queries = panel
    targets = [
        {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
        for index, (expression, legend) in enumerate(queries)
    ]
    place = {"x": left, "y": top, "w": WIDTH, "h": HEIGHT}
    return {
        "id": number, "type": "timeseries", "title": title, "description": about, "datasource": SOURCE,
        "gridPos": place, "targets": targets,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    }  # fmt: skip


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _choice(name: str, of: str, *, several: bool) -> dict[str, Any]:
    query = f"label_values({of}, {name})"
    return {
        "name": name, "type": "query", "datasource": SOURCE, "query": query, "definition": query, "refresh": 2,
        "includeAll": several, "multi": several, "sort": 1,
    }  # fmt: skip


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(json.dumps(dashboard(), indent=2) + "\n")
    sys.stdout.write(f"{PAGE}\n")
