"""The address of the health of services."""

from folkmoot.modules.services import actions
from folkmoot.routes import Route

ROUTES = (Route("GET", "/v1.0/services", actions.health),)
