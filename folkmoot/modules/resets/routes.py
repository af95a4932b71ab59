"""The addresses of a new password. Tokens are in bodies, where no log sees them."""

from folkmoot.actions import Done
from folkmoot.modules.resets import actions
from folkmoot.modules.resets.schemas import Changed
from folkmoot.routes import Reply, Route


def _changed(changed: Changed) -> Reply:
    return Reply(None, device_token=changed.device)


ROUTES = (
    Route("GET", "/v1.0/resets", actions.offer),
    Route("POST", "/v1.0/resets", actions.ask),
    Route("POST", "/v1.0/resets/look", actions.look),
    Route("POST", "/v1.0/resets/choose", actions.choose, status=204, gives=Done, reply=_changed),
)
