"""The addresses of bots."""

from folkmoot.modules.bots import actions
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/bots", actions.bots),
    Route("POST", "/v1.0/bots", actions.add, status=201),
    Route("GET", "/v1.0/bots/{bot_id}/tokens", actions.tokens),
    Route("POST", "/v1.0/bots/{bot_id}/tokens", actions.issue_token, status=201),
    Route("DELETE", "/v1.0/bots/{bot_id}/tokens/{token_id}", actions.revoke_token, status=204),
)
