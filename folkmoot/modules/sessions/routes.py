"""The addresses of sessions."""

from folkmoot.actions import Done
from folkmoot.modules.sessions import actions
from folkmoot.modules.sessions.replies import renewed
from folkmoot.modules.sessions.schemas import Renewed
from folkmoot.routes import Reply, Route


def _signed_out(_: Done) -> Reply:
    return Reply(None, ends_session=True)


ROUTES = (
    Route("GET", "/v1.0/session", actions.current),
    Route("DELETE", "/v1.0/session", actions.sign_out, status=204, reply=_signed_out),
    Route("POST", "/v1.0/session/confirm", actions.confirm, gives=Renewed, reply=renewed),
    Route("GET", "/v1.0/sessions", actions.mine),
    Route("DELETE", "/v1.0/sessions", actions.revoke_others, status=204),
    Route("DELETE", "/v1.0/sessions/{session_id}", actions.revoke, status=204),
    Route("POST", "/v1.0/tickets", actions.ticket),
)
