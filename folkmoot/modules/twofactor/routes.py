"""The addresses of the second factor."""

from folkmoot.modules.sessions.replies import TokenAnswer, no_token, signed_in, token
from folkmoot.modules.sessions.schemas import CurrentSession
from folkmoot.modules.twofactor import actions
from folkmoot.modules.twofactor.schemas import TurnedOn, TurnedOnAnswer
from folkmoot.routes import Reply, Route


def _turned_on(turned_on: TurnedOn) -> Reply:
    """A browser gets its new token in the cookie."""
    renewal = turned_on.renewal
    in_cookie = renewal.session.kind == "browser"
    answer = TurnedOnAnswer(
        recovery_codes=turned_on.recovery_codes,
        session=renewal.session,
        access_token=None if in_cookie else renewal.token,
    )
    return Reply(answer, session_token=renewal.token if in_cookie else None)


ROUTES = (
    Route("POST", "/v1.0/session/code", actions.sign_in, gives=CurrentSession, reply=signed_in),
    Route("POST", "/v1.0/user/auth/code", actions.sign_in_program, gives=TokenAnswer, reply=token, refusal=no_token),
    Route("GET", "/v1.0/second-factor", actions.state),
    Route("POST", "/v1.0/second-factor", actions.enrol, status=201),
    Route("POST", "/v1.0/second-factor/confirm", actions.confirm, gives=TurnedOnAnswer, reply=_turned_on),
    Route("POST", "/v1.0/second-factor/recovery-codes", actions.renew_recovery_codes),
    Route("POST", "/v1.0/second-factor/off", actions.turn_off, status=204),
    Route("GET", "/v1.0/totp/check/{code}", actions.check),
)
