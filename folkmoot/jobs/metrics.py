"""What jobs do, in numbers."""

from prometheus_client import Counter, Gauge, Histogram

ATTEMPTS = Counter("folkmoot_jobs_attempts_total", "Attempts of jobs that ended, by outcome.", ["task", "outcome"])
DURATION = Histogram(
    "folkmoot_jobs_attempt_duration_seconds",
    "How long an attempt of a job took.",
    ["task"],  # not `job`, which is what Prometheus calls whom it asks
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300),
)
STATES = Gauge("folkmoot_jobs", "Jobs in the database, by state.", ["state"])
OLDEST_WAITING = Gauge(
    "folkmoot_jobs_oldest_waiting_seconds", "How long the job that is due longest has waited for a worker."
)
RESCUED = Counter("folkmoot_jobs_rescued_total", "Jobs of workers that died, given to others.")
