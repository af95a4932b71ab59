"""Answers as gzip, for those who take it and where it is worth the work."""

import asyncio
import gzip

from sanic import HTTPResponse, Request

LEVEL = 5
AT_ONCE_BYTES = 64 << 10  # what is larger would keep the loop from its other work for more than a millisecond


async def compressed(request: Request, body: bytes, *, from_bytes: int) -> HTTPResponse:
    """An answer of JSON, compressed from a size on."""
    headers = {"Vary": "Accept-Encoding"}
    if len(body) >= from_bytes and takes_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        if len(body) > AT_ONCE_BYTES:
            body = await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
        else:
            body = gzip.compress(body, LEVEL, mtime=0)
    return HTTPResponse(body, headers=headers, content_type="application/json")


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header takes gzip: by its name, or else by `*`."""
    weights = {}
    for part in accepted.lower().split(","):
        coding, _, parameter = part.partition(";")
        weights[coding.strip()] = parameter.replace(" ", "")
    weight = weights.get("gzip", weights.get("*", "q=0"))
    return weight.removeprefix("q=").strip("0.") != "" if weight.startswith("q=") else True
