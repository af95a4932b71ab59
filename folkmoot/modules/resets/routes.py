"""The addresses of a new password. Tokens are in bodies, where no log sees them."""

from folkmoot.modules.resets import actions
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/resets", actions.offer),
    Route("POST", "/v1.0/resets", actions.ask),
    Route("POST", "/v1.0/resets/look", actions.look),
    Route("POST", "/v1.0/resets/choose", actions.choose, status=204),
)
