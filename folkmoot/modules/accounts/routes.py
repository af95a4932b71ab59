"""The addresses of accounts, and the answers of signing in."""

from folkmoot.actions import Output
from folkmoot.errors import Error, Invalid
from folkmoot.modules.accounts import actions
from folkmoot.modules.sessions.schemas import CurrentSession, Grant
from folkmoot.routes import Reply, Route


class AccessToken(Output, frozen=True):
    access_token: str


class TokenAnswer(Output, frozen=True):
    valid: bool
    data: AccessToken


def _token(grant: Grant) -> Reply:
    return Reply(TokenAnswer(valid=True, data=AccessToken(access_token=grant.token)))


def _no_token(error: Error) -> dict[str, object]:
    fields = error.fields if isinstance(error, Invalid) else {}
    return {"valid": False, "data": fields or error.detail}


def _signed_in(grant: Grant) -> Reply:
    """A browser gets its token in a cookie that no script can read, and nowhere else."""
    return Reply(CurrentSession(user=grant.user, session=grant.session), session_token=grant.token)


ROUTES = (
    Route("GET", "/v1.0/user/auth", actions.hello),
    Route(
        "POST",
        "/v1.0/user/auth",
        actions.sign_in_program,
        gives=TokenAnswer,
        reply=_token,
        refusal=_no_token,
    ),
    Route("POST", "/v1.0/session", actions.sign_in, gives=CurrentSession, reply=_signed_in),
    Route("GET", "/v1.0/people", actions.people),
    Route("GET", "/v1.0/accounts", actions.accounts),
    Route("POST", "/v1.0/accounts", actions.add, status=201),
    Route("PUT", "/v1.0/accounts/{user_id}/password", actions.set_password, status=204),
    Route("POST", "/v1.0/accounts/{user_id}/disable", actions.disable, status=204),
    Route("POST", "/v1.0/accounts/{user_id}/enable", actions.enable, status=204),
)
