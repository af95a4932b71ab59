"""What can be seen of services from outside. The names are those of the operator's file: there are only so many."""

from prometheus_client import Counter, Gauge, Histogram

REQUEST_SECONDS = Histogram(
    "folkmoot_services_request_seconds",
    "How long callers waited for a service, repeats included, by how it ended.",
    ["service", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
REPEATS = Counter("folkmoot_services_repeats_total", "Requests that were sent once more.", ["service"])
IN_FLIGHT = Gauge("folkmoot_services_in_flight", "Requests on their way to a service.", ["service"])
IS_LEFT_ALONE = Gauge("folkmoot_services_breaker_open", "1 while the service is left alone, else 0.", ["service"])
