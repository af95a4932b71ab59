"""A PostgreSQL that asks for passwords, with an owner and a database as the stack has them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.laptop import Servers
from folkmoot.settings import Settings
from tests.databases import another_database

PASSWORD = "an owner's p@ssword/of its own"


@dataclass(frozen=True)
class Town:
    """A database of a test's own. Its owner may make roles, as the one that the image of PostgreSQL makes."""

    settings: Settings  # as of an operator who has given servers a role of their own, which is not there yet
    superuser: str  # an address
    owner: str  # a role
    server: str

    def address(self, role: str, password: str) -> str:
        parts = urlsplit(self.superuser)
        return parts._replace(netloc=f"{role}:{quote(password, safe='')}@").geturl()

    def changed(self, **changes: str | None) -> Settings:
        return self.settings.model_copy(update={name: SecretStr(value or "") for name, value in changes.items()})

    @property
    def by_one_role(self) -> Settings:
        """As it was before: the owner does everything."""
        return self.changed(database_url=self.address(self.owner, PASSWORD), database_owner_url=None)


@pytest.fixture(scope="session")
async def asks_for_passwords(database_servers: Servers) -> None:
    """Roles of these tests sign in with a password; all others as on any laptop."""
    connection = await asyncpg.connect(database_servers.dsn.replace("//folkmoot@", "//postgres@"))
    file = Path(await connection.fetchval("SHOW hba_file"))
    file.write_text('local all "/^role_" scram-sha-256\n' + file.read_text())
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


@pytest.fixture
async def town(settings: Settings, asks_for_passwords: None) -> AsyncIterator[Town]:
    mark = uuid4().hex[:12]
    owner, server = f"role_owner_{mark}", f"role_server_{mark}"
    everything = settings.dsn.replace("//folkmoot@", "//postgres@")
    connection = await asyncpg.connect(everything)  # not to the test's own database, where nobody else may be
    quoted = PASSWORD.replace("'", "''")
    await connection.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD '{quoted}'")
    async with another_database(settings.dsn) as dsn:
        name, superuser = urlsplit(dsn).path[1:], dsn.replace("//folkmoot@", "//postgres@")
        await connection.execute(f"ALTER DATABASE {name} OWNER TO {owner}")
        one = Town(settings, superuser, owner, server)
        addresses = {
            "database_url": one.address(server, "the servers' own"),
            "database_owner_url": one.address(owner, PASSWORD),
        }
        yield Town(one.changed(**addresses), superuser, owner, server)
        await connection.execute(f"ALTER DATABASE {name} OWNER TO folkmoot")
    for role in (server, owner):  # what they had went with the database
        await connection.execute(f"DROP ROLE IF EXISTS {role}")
    await connection.close()
