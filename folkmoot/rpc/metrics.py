"""What is counted of gRPC."""

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("folkmoot_grpc_calls_total", "Calls that have ended, streams among them.", ["method", "status"])
SECONDS = Histogram("folkmoot_grpc_call_seconds", "How long calls took that are not streams.", ["method"])
STREAMS = Gauge("folkmoot_grpc_streams", "Streams that are open.")
FELL_BEHIND = Counter("folkmoot_grpc_fell_behind_total", "How often a slow reader was sent back to the log.")
