"""The fields of the Elastic Common Schema 8.11 that we use, with their types, as its reference has them."""

from datetime import datetime
from ipaddress import ip_address
from typing import Any

FIELDS: dict[str, str] = {
    "@timestamp": "date",
    "message": "text",
    "log.level": "keyword",
    "log.logger": "keyword",
    "ecs.version": "keyword",
    "event.action": "keyword",
    "event.category": "keyword",
    "event.kind": "keyword",
    "event.outcome": "keyword",
    "event.reason": "keyword",
    "event.type": "keyword",
    "event.dataset": "keyword",
    "event.duration": "long",
    "http.request.id": "keyword",
    "http.request.method": "keyword",
    "http.response.status_code": "long",
    "url.path": "keyword",
    "client.ip": "ip",
    "user.id": "keyword",
    "user.name": "keyword",
    "trace.id": "keyword",
    "transaction.id": "keyword",
    "error.code": "keyword",
    "error.message": "text",
    "error.stack_trace": "text",
    "error.type": "keyword",
    "process.pid": "long",
    "process.thread.name": "keyword",
    "service.environment": "keyword",
    "service.name": "keyword",
    "service.node.name": "keyword",
    "service.version": "keyword",
}
ALWAYS = {"@timestamp", "message", "log.level", "ecs.version", "service.name", "service.version"} | {
    "service.environment", "service.node.name", "event.dataset", "process.pid",
}  # fmt: skip
OWN = "folkmoot."


def assert_ecs(line: dict[str, Any]) -> None:
    """Checks a line: its fields are those of the schema or ours, flat, and of their types."""
    assert line.keys() >= ALWAYS, line
    assert list(line)[:3] == ["@timestamp", "log.level", "message"], "the order that the schema asks for"
    for name, value in line.items():
        if name.startswith(OWN):
            assert isinstance(value, (str, int, float)), (name, value)
        else:
            assert name in FIELDS, f"{name} is no field of the schema that we know of"
            assert _fits(FIELDS[name], value), (name, value)


def _fits(kind: str, value: object) -> bool:
    if kind == "long":
        return isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if kind == "date":
        return datetime.fromisoformat(value).utcoffset() is not None
    return bool(ip_address(value)) if kind == "ip" else True
