"""The addresses of accounts, and of signing in."""

from folkmoot.modules.accounts import actions
from folkmoot.modules.sessions.replies import TokenAnswer, no_token, renewed, signed_in, token
from folkmoot.modules.sessions.schemas import CurrentSession, Renewed
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/user/auth", actions.hello),
    Route(
        "POST",
        "/v1.0/user/auth",
        actions.sign_in_program,
        gives=TokenAnswer,
        reply=token,
        refusal=no_token,
    ),
    Route("POST", "/v1.0/session", actions.sign_in, gives=CurrentSession, reply=signed_in),
    Route("PUT", "/v1.0/session/password", actions.change_password, gives=Renewed, reply=renewed),
    Route("GET", "/v1.0/people", actions.people),
    Route("GET", "/v1.0/accounts", actions.accounts),
    Route("POST", "/v1.0/accounts", actions.add, status=201),
    Route("PUT", "/v1.0/accounts/{user_id}/password", actions.set_password, status=204),
    Route("POST", "/v1.0/accounts/{user_id}/disable", actions.disable, status=204),
    Route("POST", "/v1.0/accounts/{user_id}/enable", actions.enable, status=204),
)
