"""An authenticator app, and people who use one: made apart from the product, by RFC 6238 alone."""

import base64
import hashlib
import hmac
import struct
import time
from dataclasses import dataclass, field

import httpx

from folkmoot.app import Node
from tests.people import PASSWORD, Member, visiting

KEYS = "k1:" + base64.b64encode(b"1" * 32).decode()


@dataclass
class Phone:
    """Shows each code once: those of now and of the next step can be used whenever the clock moves on."""

    secret: str
    shown: set[int] = field(default_factory=set)

    @property
    def code_of_confirmation(self) -> str:
        """The earliest code that was shown."""
        return code_of(self.secret, min(self.shown))

    def code(self, *, ahead: int = 0) -> str:
        """A code that was not shown yet, of this step or the next."""
        now = int(time.time() // 30)
        step = next(step for step in (now + ahead, now + 1) if step not in self.shown)
        self.shown.add(step)
        return code_of(self.secret, step)


def code_of(secret: str, step: int) -> str:
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@dataclass
class Careful:
    """A member with a second factor, whose token is the one they got when they turned it on."""

    member: Member
    phone: Phone
    recovery_codes: list[str]
    http: httpx.AsyncClient


async def turn_on(member: Member) -> Careful:
    """Turns two-step sign-in on, as a program does; the member's client goes on with the new token."""
    enrolment = await member.http.post("/api/v1.0/second-factor")
    assert enrolment.status_code == 201, enrolment.text
    phone = Phone(enrolment.json()["secret"])
    answer = await member.http.post("/api/v1.0/second-factor/confirm", json={"code": phone.code()})
    assert answer.status_code == 200, answer.text
    member.token = answer.json()["access_token"]
    member.http.headers["Authorization"] = f"Bearer {member.token}"
    return Careful(member, phone, answer.json()["recovery_codes"], member.http)


async def first_step(http: httpx.AsyncClient, email: str, path: str = "/api/v1.0/user/auth") -> httpx.Response:
    return await http.post(path, json={"email": email, "password": PASSWORD})


async def challenge_of(node: Node, email: str, path: str = "/api/v1.0/user/auth") -> str:
    """The challenge that the right password is answered with."""
    async with visiting(node) as http:
        answer = await first_step(http, email, path)
    assert answer.status_code == 401, answer.text
    return str(answer.json()["challenge"])
