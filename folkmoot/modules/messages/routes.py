"""The addresses of messages."""

from folkmoot.modules.messages import actions
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/rooms/{room_id}/events", actions.history),
    Route("POST", "/v1.0/rooms/{room_id}/messages", actions.send, status=201),
    Route("PUT", "/v1.0/rooms/{room_id}/read", actions.mark_read),
)
