"""The addresses of incoming hooks. The one that programs post to takes more than JSON: see `folkmoot/http/hooks.py`."""

from folkmoot.modules.incoming import actions
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/incoming-hooks", actions.hooks),
    Route("POST", "/v1.0/incoming-hooks", actions.make, status=201),
    Route("DELETE", "/v1.0/incoming-hooks/{hook_id}", actions.revoke, status=204),
)
