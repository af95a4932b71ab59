"""What a service answered, read no further than it may be long."""

import codecs
import json
from dataclasses import dataclass
from typing import Any

import httpx

from folkmoot.errors import ServiceFailed


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read to its end. `charset` is one that Python knows."""

    service: str
    status: int
    content_type: str
    charset: str
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(self.charset, errors="replace")

    def json(self) -> Any:
        """The body as JSON. Raises ServiceFailed when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise ServiceFailed(self.service, "answered something that is no JSON", self.status) from None


async def read_answer(service: str, response: httpx.Response, most_bytes: int) -> Answer:
    """The answer, when it is one. Raises ServiceFailed for a failure, a redirect, and what is too long."""
    status = response.status_code
    if status >= 500:
        raise ServiceFailed(service, f"failed with status {status}", status)
    if not 200 <= status < 300 and status < 400:
        where = "to somewhere else, which is not followed" if response.has_redirect_location else "without content"
        raise ServiceFailed(service, f"answered {status}, {where}", status)
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        # We ask for none. A small answer could become a huge one when it is unpacked.
        raise ServiceFailed(service, "compressed its answer though it was asked not to", status)
    too_long = ServiceFailed(service, f"answered more than {most_bytes} bytes", status)
    if response.request.method != "HEAD" and int(response.headers.get("content-length", "0")) > most_bytes:
        raise too_long
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most_bytes:
            raise too_long
    content_type = response.headers.get("content-type", "")
    return Answer(service, status, content_type, _charset(response.charset_encoding), bytes(body))


def _charset(named: str | None) -> str:
    try:
        return codecs.lookup(named).name if named else "utf-8"
    except LookupError:
        return "utf-8"
