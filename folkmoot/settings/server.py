"""Where a server listens, what it serves there, and to whom."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator

from folkmoot.settings.kinds import Listed, of_networks, origin


class Server(BaseModel):
    host: str = Field(
        default="127.0.0.1",
        validation_alias="FOLKMOOT_HOST",
        description="the address to listen on; `0.0.0.0` for all, behind a proxy with TLS",
    )
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        validation_alias="FOLKMOOT_PORT",
        description="the port to listen on; 0 takes a free one",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        validation_alias="FOLKMOOT_WORKERS",
        description="processes that `serve` runs on the one port. Each is a server of its own: what is said below to "
        "count for one server counts for each worker",
    )
    only: Literal["api", "socket"] | None = Field(
        default=None,
        validation_alias="FOLKMOOT_ONLY",
        description="what `serve` answers, where another server answers the rest: `api` is HTTP without the socket, "
        "`socket` is the socket alone; unset: both",
    )
    admin_host: str = Field(
        default="127.0.0.1",
        validation_alias="FOLKMOOT_ADMIN_HOST",
        description="the address of the admin port; it asks nobody who they are, so it must be out of strangers' reach",
    )
    admin_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        validation_alias="FOLKMOOT_ADMIN_PORT",
        description="the port of `/metrics`, `/live` and `/ready`, none unless it is set; worker n has it plus n - 1",
    )
    url: str = Field(
        default="",
        validation_alias="FOLKMOOT_URL",
        description="the address people open, as https://chat.example.org; empty: http://localhost:PORT",
    )
    data: Path = Field(
        default=Path(".data"), validation_alias="FOLKMOOT_DATA", description="folder of the databases that `up` starts"
    )
    site: Path | None = Field(
        default=None,
        validation_alias="FOLKMOOT_SITE",
        description="folder of the built SPA; the wheel has its own",
    )
    serve_site: bool = Field(
        default=True,
        validation_alias="FOLKMOOT_SERVE_SITE",
        description="whether this server serves the page; where nginx does, it need not",
    )
    origins: Listed = Field(
        default=(),
        validation_alias="FOLKMOOT_ORIGINS",
        description="further origins that browsers may come from, with commas between",
    )
    trusted_proxies: Listed = Field(
        default=(),
        validation_alias="FOLKMOOT_TRUSTED_PROXIES",
        description="networks whose X-Real-IP header is believed, with commas between",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return of_networks(value)

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        return origin(value) if value else ""

    @field_validator("origins")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(origin(address) for address in value)

    @property
    def public_url(self) -> str:
        return self.url or f"http://localhost:{self.port}"

    @property
    def issuer(self) -> str:
        """How authenticator apps name this server."""
        return f"Folkmoot ({urlsplit(self.public_url).hostname})"

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Exact origins that a browser may come from. A laptop may also be opened by its loopback address."""
        origins = {self.public_url, *self.origins}
        if not self.url:
            origins |= {f"http://127.0.0.1:{self.port}", f"http://[::1]:{self.port}"}
        return frozenset(origins)

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https://")
