"""A mail server of a test's own: letters really go over SMTP, and are kept to be read."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PATIENCE_S = 20
USER, PASSWORD = "folkmoot", "a secret of the mail server"


@dataclass
class Postbox:
    """What arrived. `answer` is what the server says to a letter; `busy` keeps it from saying anything."""

    port: int = 0
    answer: str = "250 Thanks"
    letters: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    tries: int = 0
    silent: bool = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        self.tries += 1
        while self.silent:
            await asyncio.sleep(0.02)
        if self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            letter = message_from_bytes(content, policy=default)
            assert isinstance(letter, EmailMessage)
            self.letters.append(letter)
            self.envelopes.append(envelope)
        return self.answer

    async def wait_for(self, number: int, to: str) -> list[EmailMessage]:
        """The letters to somebody, once there are so many."""
        await self.until(lambda: len(self.to(to)) >= number)
        return self.to(to)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(0.01)

    def to(self, email: str) -> list[EmailMessage]:
        found = zip(self.letters, self.envelopes, strict=True)
        return [letter for letter, envelope in found if email in envelope.rcpt_tos]


def text_of(letter: EmailMessage) -> str:
    return _part(letter, "plain")


def html_of(letter: EmailMessage) -> str:
    return _part(letter, "html")


def _part(letter: EmailMessage, kind: str) -> str:
    part = letter.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@asynccontextmanager
async def postbox(port: int = 0, **options: Any) -> AsyncIterator[Postbox]:
    """A server on a port of its own; `options` are aiosmtpd's."""
    box = Postbox()
    loop = asyncio.get_running_loop()

    def answer() -> SMTP:
        return SMTP(box, hostname="mail.test", enable_SMTPUTF8=True, loop=loop, **options)

    server = await loop.create_server(answer, "127.0.0.1", port)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        box.silent = False
        server.close()


def knows_us(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    """Lets in who knows the password."""
    fits = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=fits, handled=False)  # else it would be for us to say no


def context_of(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
