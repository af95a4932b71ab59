"""The addresses of slash commands."""

from folkmoot.modules.commands import actions
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/commands", actions.available),
    Route("POST", "/v1.0/rooms/{room_id}/commands", actions.run),
)
