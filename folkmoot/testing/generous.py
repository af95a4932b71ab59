"""Limits for tests and measurements, in one place.

There one machine plays many people: limits that are for one person or one address would only measure themselves. What
tries a limit gives its own.
"""

from folkmoot.settings import Settings

GENEROUS = {
    "sign_in_failures": 1_000_000,
    "sign_in_per_minute": 1_000_000,
    "sign_in_account_failures": 1_000_000,
    "sign_in_most_failures": 1_000_000,
    "actions_per_s": 100_000,
    "actions_burst": 100_000,
    "handshakes_per_minute": 1_000_000,
    "socket_commands_per_s": 1_000_000,
    "socket_messages_per_s": 1_000_000,
    "socket_messages_burst": 1_000_000,
    "socket_bytes_per_s": 1 << 40,
    "socket_bytes_burst": 1 << 40,
}
"""By the names of the settings."""


def environment(limits: dict[str, int] = GENEROUS) -> dict[str, str]:
    """The same as variables of the environment."""
    fields = Settings.model_fields
    return {str(fields[name].validation_alias or name.upper()): str(limit) for name, limit in limits.items()}
