"""What can be seen of slash commands from outside. There are only as many as are loaded."""

from prometheus_client import Histogram

RUN_SECONDS = Histogram(
    "folkmoot_commands_run_seconds",
    "How long a slash command ran, by how it ended: ok, or the code of the error.",
    ["command", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
