"""How a sign-in is answered: a browser's token goes into its cookie, a program's into the answer."""

from folkmoot.actions import Output
from folkmoot.errors import Error, Invalid
from folkmoot.modules.sessions.schemas import CurrentSession, Grant, Renewal, Renewed
from folkmoot.routes import Reply


class AccessToken(Output, frozen=True):
    access_token: str


class TokenAnswer(Output, frozen=True):
    valid: bool
    data: AccessToken


def token(grant: Grant) -> Reply:
    return Reply(TokenAnswer(valid=True, data=AccessToken(access_token=grant.token)))


def no_token(error: Error) -> dict[str, object]:
    fields = error.fields if isinstance(error, Invalid) else {}
    return {"valid": False, "data": fields or error.detail}


def signed_in(grant: Grant) -> Reply:
    """A browser gets its token in a cookie that no script can read, and nowhere else."""
    body = CurrentSession(user=grant.user, session=grant.session, must_enrol=grant.must_enrol)
    return Reply(body, session_token=grant.token, device_token=grant.device)


def renewed(renewal: Renewal) -> Reply:
    in_cookie = renewal.session.kind == "browser"
    body = Renewed(session=renewal.session, access_token=None if in_cookie else renewal.token)
    return Reply(body, session_token=renewal.token if in_cookie else None)
