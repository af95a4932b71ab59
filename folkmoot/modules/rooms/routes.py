"""The addresses of rooms."""

from folkmoot.modules.rooms import actions
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/rooms", actions.mine),
    Route("POST", "/v1.0/rooms", actions.create, status=201),
    Route("GET", "/v1.0/rooms/open", actions.directory),
    Route("GET", "/v1.0/rooms/{room_id}", actions.get),
    Route("POST", "/v1.0/rooms/{room_id}/join", actions.join),
    Route("POST", "/v1.0/rooms/{room_id}/leave", actions.leave, status=204),
    Route("GET", "/v1.0/rooms/{room_id}/members", actions.members),
    Route("POST", "/v1.0/rooms/{room_id}/members", actions.add, status=201),
)
