"""What several settings are: lists, networks, addresses of ours and of others."""

from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode


def _listed(value: object) -> object:
    """What a variable lists, with commas between."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


def of_networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """The list as it is, when each can be a network."""
    for network in value:
        ip_network(network)
    return value


def origin(address: str) -> str:
    """An address as browsers write it in `Origin`: small letters, no default port, no path."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.username:
        raise ValueError("must be an address without a path, such as https://chat.example.org")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = parts.port in (None, {"http": 80, "https": 443}[parts.scheme])
    return f"{parts.scheme}://{host}" if is_default else f"{parts.scheme}://{host}:{parts.port}"


def of_scheme(address: SecretStr, *schemes: str) -> SecretStr:
    """The address as it is, when it is empty or can be one. What it says may be secret, and is not repeated."""
    given = address.get_secret_value()
    try:
        parts = urlsplit(given)
        several = "," in parts.netloc  # libpq's way to name a standby too
        fits = parts.scheme in schemes and (several or parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if given and not fits:
        raise ValueError(f"must be an address that starts with {schemes[0]}://")
    return address
