"""A web page that is rendered from a gRPC backend: a greeting, a list of ten, and a stream of five.

    BACKEND_HOST=localhost BACKEND_PORT=50051 python app.py

The parts of the page are sent as the backend answers: the last list grows while its stream is read.
"""

import os
from collections.abc import AsyncIterator
from html import escape
from pathlib import Path

import grpc
from api_pb2 import ApiRequest, HelloRequest
from api_pb2_grpc import ApiStub
from sanic import Request, Sanic
from sanic.response import HTTPResponse, text

BACKEND_HOST = os.environ.get("BACKEND_HOST", "localhost")
BACKEND_PORT = int(os.environ.get("BACKEND_PORT", "50051"))
NAME_CHARS = 50
WITHIN_S = 5.0
HEAD, TAIL = (Path(__file__).parent / "page.html").read_text().split("<!-- backend -->")

app = Sanic("grpc-page", configure_logging=False)


@app.before_server_start
async def connect(app: Sanic) -> None:
    app.ctx.channel = grpc.aio.insecure_channel(f"{BACKEND_HOST}:{BACKEND_PORT}")
    app.ctx.backend = ApiStub(app.ctx.channel)


@app.after_server_stop
async def disconnect(app: Sanic) -> None:
    await app.ctx.channel.close()


@app.get("/")
async def page(request: Request) -> None:
    name = request.args.get("name", "Gonzalo")[:NAME_CHARS]
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}
    response = await request.respond(content_type="text/html; charset=utf-8", headers=headers)
    await response.send(HEAD)
    try:
        async for part in parts(app.ctx.backend, name):
            await response.send(part)
    except grpc.aio.AioRpcError as error:
        await response.send(f'<p class="away" role="alert">{escape(said(error))}</p>')
    await response.send(TAIL)
    await response.eof()


@app.get("/healthz")
async def health(request: Request) -> HTTPResponse:
    """Whether this page lives; the backend has a health service of its own."""
    return text("ok\n")


async def parts(backend: ApiStub, name: str) -> AsyncIterator[str]:
    """The page's middle, piece by piece."""
    hello = await backend.sayHello(HelloRequest(name=name), timeout=WITHIN_S)
    yield f"<h1>{escape(hello.message)}</h1>"
    ten = await backend.getAll(ApiRequest(length=10), timeout=WITHIN_S)
    yield f"<section><h2>All at once</h2><ol id=all>{''.join(map(line, ten.items))}</ol></section>"
    yield "<section><h2>One by one</h2><ol id=stream>"
    async for item in backend.getStream(ApiRequest(length=5), timeout=WITHIN_S):
        yield line(item)
    yield "</ol></section>"


def line(item) -> str:
    return f"<li><b>{item.id}</b> {escape(item.name)}</li>"


def said(error: grpc.aio.AioRpcError) -> str:
    """What went wrong, for who looks at the page."""
    where = f"{BACKEND_HOST}:{BACKEND_PORT}"
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return f"There is no backend at {where} right now. Is BACKEND_HOST right, and does it run?"
    if error.code() is grpc.StatusCode.UNAUTHENTICATED:
        return f"The backend at {where} wants a token. Start it with FOLKMOOT_GRPC_OPEN=api."
    return f"The backend at {where} refused: {error.details()}"


if __name__ == "__main__":
    app.run(
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8080")),
        single_process=True,
        access_log=False,
        motd=False,
    )
