"""The addresses of the audit log."""

from folkmoot.modules.audit import actions
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/audit", actions.entries),
    Route("GET", "/v1.0/audit/export", actions.export),
)
