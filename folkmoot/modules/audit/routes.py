"""The addresses of the audit log."""

from folkmoot.modules.audit import actions
from folkmoot.modules.audit.schemas import Exported
from folkmoot.routes import Reply, Route


def _as_lines(exported: Exported) -> Reply:
    return Reply(exported.lines.encode())


ROUTES = (
    Route("GET", "/v1.0/audit", actions.entries),
    Route(
        "GET",
        "/v1.0/audit/export",
        actions.export,
        gives=str,
        content_type="application/x-ndjson",
        reply=_as_lines,
    ),
)
