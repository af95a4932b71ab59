"""What webhooks do, in numbers."""

from prometheus_client import Counter, Histogram

DELIVERIES = Counter("folkmoot_webhooks_deliveries_total", "Deliveries tried, by outcome.", ["outcome"])
DURATION = Histogram(
    "folkmoot_webhooks_delivery_duration_seconds",
    "How long receivers took to answer.",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
