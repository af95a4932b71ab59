"""The addresses of outgoing webhooks."""

from folkmoot.modules.webhooks import actions
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/webhooks", actions.hooks),
    Route("POST", "/v1.0/rooms/{room_id}/webhooks", actions.add, status=201),
    Route("DELETE", "/v1.0/webhooks/{hook_id}", actions.remove, status=204),
    Route("POST", "/v1.0/webhooks/{hook_id}/secret", actions.rotate),
    Route("POST", "/v1.0/webhooks/{hook_id}/retry", actions.retry, status=204),
)
