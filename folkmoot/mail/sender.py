"""Handing a letter to the mail server of the operator."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

import aiosmtplib

from folkmoot.mail.addresses import read_sender, recipient
from folkmoot.mail.letter import Letter, write
from folkmoot.settings import Settings

PORTS = {"starttls": 587, "tls": 465, "none": 25}
PATIENCE_S = 20.0  # for each answer of the server


class NotSent(Exception):
    """The server did not take the letter. It may, later."""


class NeverSent(NotSent):
    """The server will not take this letter the next time either."""


async def send(settings: Settings, letter: Letter, email: str) -> None:
    """Gives a letter to the mail server. Raises NotSent, NeverSent."""
    try:
        message = write(letter, read_sender(settings.mail_from), recipient(email))
    except ValueError as error:
        raise NeverSent(str(error)) from None
    async with _connected(settings) as smtp:
        await _hand_over(smtp, message)


async def check(settings: Settings) -> None:
    """Finds out whether the server lets us in, without sending anything. Raises NotSent."""
    async with _connected(settings):
        pass


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[aiosmtplib.SMTP]:
    smtp = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port or PORTS[settings.smtp_tls],
        username=settings.smtp_user or None,
        password=settings.smtp_password.get_secret_value() or None,
        use_tls=settings.smtp_tls == "tls",
        start_tls=settings.smtp_tls == "starttls",  # never "if the server offers it": anybody between could say no
        tls_context=None if settings.smtp_tls == "none" else ssl.create_default_context(),
        timeout=PATIENCE_S,
    )
    try:
        async with smtp:
            yield smtp
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
        raise NotSent(f"{settings.smtp_host}: {_reason(error)}") from error


async def _hand_over(smtp: aiosmtplib.SMTP, message: EmailMessage) -> None:
    try:
        await smtp.send_message(message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        refused = error.recipients[0]
        raise _refusal(refused.code, refused.message) from None
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error.code, error.message) from None
    except aiosmtplib.SMTPNotSupported as error:  # an address in another alphabet, which this server does not know
        raise NeverSent(str(error)) from None


def _refusal(code: int, said: str) -> NotSent:
    """By its number a server tells whether it would ever take the letter (5xx: never)."""
    kind = NeverSent if 500 <= code < 600 else NotSent
    return kind(f"{code} {said}")


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
