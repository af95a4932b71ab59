"""The addresses of tokens."""

from folkmoot.modules.tokens import actions
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/tokens", actions.mine),
    Route("POST", "/v1.0/tokens", actions.issue, status=201),
    Route("DELETE", "/v1.0/tokens/{token_id}", actions.revoke, status=204),
)
