"""The address of trying out whether letters arrive."""

from folkmoot.modules.notices import actions
from folkmoot.routes import Route

ROUTES = (Route("POST", "/v1.0/notices/try", actions.try_out, status=204),)
