"""Modules of somebody's own, and their databases."""

import re

from pydantic import BaseModel, Field, SecretStr, field_validator

from folkmoot.settings.kinds import Listed, of_scheme


class Modules(BaseModel):
    modules: Listed = Field(
        default=(),
        validation_alias="FOLKMOOT_MODULES",
        description="modules that are loaded beside Folkmoot's own: paths of folders, or dotted names of packages, "
        "with commas between",
    )
    modules_strict: bool = Field(
        default=False,
        validation_alias="FOLKMOOT_MODULES_STRICT",
        description="whether nothing starts when one of them cannot be loaded; otherwise the others do",
    )
    databases: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="FOLKMOOT_DATABASES",
        description="further PostgreSQL databases for modules, as name=postgresql://… with spaces or line breaks "
        "between; `main` is Folkmoot's own",
    )
    databases_pool: int = Field(
        default=5,
        ge=1,
        validation_alias="FOLKMOOT_DATABASES_POOL",
        description="connections that one server keeps at most to each of them, and to `main` for modules; none until "
        "a module asks",
    )
    compress_bytes: int = Field(
        default=1024,
        ge=0,
        validation_alias="FOLKMOOT_COMPRESS_BYTES",
        description="answers of the JSON database API from this size on are sent as gzip to those who take it",
    )

    @field_validator("databases")
    @classmethod
    def _databases(cls, value: SecretStr) -> SecretStr:
        named: set[str] = set()
        for part in value.get_secret_value().split():
            name, equals, address = part.partition("=")
            if not equals or not re.fullmatch("[a-z][a-z0-9_]*", name):
                raise ValueError("each must read name=postgresql://…, its name small letters, digits and underscores")
            if name == "main" or name in named:
                raise ValueError(f"{name!r} is named already; `main` is Folkmoot's own database")
            of_scheme(SecretStr(address or "?"), "postgresql", "postgres")
            named.add(name)
        return value
