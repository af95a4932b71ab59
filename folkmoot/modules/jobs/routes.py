"""The addresses of background jobs."""

from folkmoot.modules.jobs import actions
from folkmoot.routes import Route

ROUTES = (
    Route("GET", "/v1.0/jobs", actions.counts),
    Route("GET", "/v1.0/jobs/failed", actions.failed),
    Route("GET", "/v1.0/jobs/unfinished", actions.unfinished),
    Route("POST", "/v1.0/jobs/retry", actions.retry_all),
    Route("POST", "/v1.0/jobs/{job_id}/retry", actions.retry, status=204),
    Route("DELETE", "/v1.0/jobs/{job_id}", actions.discard, status=204),
)
