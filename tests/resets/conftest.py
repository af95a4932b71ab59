"""A node that sends letters to a mail server of the tests, with a database of its own tests alone."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email.message import EmailMessage

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.laptop import Servers
from tests.conftest import Start
from tests.databases import database_of_our_own
from tests.jobs.hurry import hurry
from tests.people import Member, visiting
from tests.postbox import Postbox, postbox, text_of
from tests.twofactor.phone import KEYS

RESETS = "/api/v1.0/resets"
NEW = "an even better passphrase"
LINK = re.compile(r"^http://folkmoot\.test/reset#(fmr_[\w-]{51})$", re.MULTILINE)


@pytest.fixture(scope="package")
async def own_database(database_servers: Servers) -> AsyncIterator[str]:
    async with database_of_our_own(database_servers.dsn) as dsn:
        yield dsn


@pytest.fixture(scope="package")
def hurried() -> Iterator[None]:
    with hurry():
        yield


@pytest.fixture(scope="package")
async def mailbox() -> AsyncIterator[Postbox]:
    async with postbox() as started:
        yield started


@pytest.fixture(scope="package")
async def node(start: Start, own_database: str, hurried: None, mailbox: Postbox) -> AsyncIterator[Node]:
    """A node that does jobs, and sends letters."""
    async with start(
        database_url=SecretStr(own_database),
        jobs_concurrency=4,
        keys=SecretStr(KEYS),
        smtp_host="127.0.0.1",
        smtp_port=mailbox.port,
        smtp_tls="none",
        mail_from="Folkmoot <chat@folkmoot.test>",
        resets_per_account=1000,
        resets_per_address=1000,
    ) as started:
        yield started


@pytest.fixture
async def rows(own_database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to look at what is stored, and to change it."""
    connection = await asyncpg.connect(own_database)
    yield connection
    await connection.close()


@dataclass
class Forgetful:
    """Somebody who has forgotten their password, with a mailbox."""

    member: Member
    http: httpx.AsyncClient
    box: Postbox

    async def ask(self) -> httpx.Response:
        return await self.http.post(RESETS, json={"email": self.member.email})

    async def link(self) -> str:
        """The token of the link in the next letter."""
        before = len(self.letters)
        answer = await self.ask()
        assert answer.status_code == 200, answer.text
        await self.box.until(lambda: len(self.letters) > before)
        return token_in(self.letters[-1])

    @property
    def letters(self) -> list[EmailMessage]:
        """Those with a link."""
        return [letter for letter in self.box.to(self.member.email) if LINK.search(text_of(letter))]

    async def look(self, token: str) -> str:
        answer = await self.http.post(f"{RESETS}/look", json={"token": token})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["state"])

    async def choose(self, token: str, password: str = NEW) -> httpx.Response:
        return await self.http.post(f"{RESETS}/choose", json={"token": token, "password": password})

    async def sign_in(self, password: str) -> httpx.Response:
        given = {"email": self.member.email, "password": password}
        return await self.http.post("/api/v1.0/user/auth", json=given)


def token_in(letter: EmailMessage) -> str:
    found = LINK.search(text_of(letter))
    assert found is not None, text_of(letter)
    return found[1]


@pytest.fixture
async def forgetful(node: Node, ada: Member, mailbox: Postbox) -> AsyncIterator[Forgetful]:
    """Ada, who has forgotten her password."""
    async with visiting(node) as http:
        yield Forgetful(ada, http, mailbox)
