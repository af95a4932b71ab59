"""The built single-page app, and the headers that keep a browser from doing what its page does not need."""

import mimetypes
from pathlib import Path

from sanic import Request
from sanic.exceptions import MethodNotAllowed
from sanic.response import HTTPResponse

from folkmoot.errors import NotFound
from folkmoot.http.application import Application
from folkmoot.settings import Settings

HERE = Path(__file__).parent.parent / "site"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
READING = ("GET", "HEAD")
WRITING = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OF_THE_API = ("/api/", "/v1.0/")
FOR_EVER = "public, max-age=31536000, immutable"  # names of assets hold a hash of what is in them


class Site:
    """The files of the built SPA, read once: few, small, and never a path made from a request."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            f"/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    @property
    def is_built(self) -> bool:
        return "/index.html" in self._files

    def answer(self, path: str) -> HTTPResponse:
        """A file, or for any address of the app its page."""
        if path in self._files and not path.endswith(".html"):
            return self._file(path, FOR_EVER if path.startswith("/assets/") else "no-cache")
        if "." in path.rpartition("/")[2] or path.startswith(OF_THE_API) or not self.is_built:
            raise NotFound
        return self._file("/index.html", "no-cache")

    def docs(self) -> HTTPResponse:
        if "/docs.html" not in self._files:
            raise NotFound
        return self._file("/docs.html", "no-cache")

    def _file(self, path: str, cache: str) -> HTTPResponse:
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        if path.endswith(".webmanifest"):
            kind = "application/manifest+json"
        return HTTPResponse(self._files[path], headers={"Cache-Control": cache}, content_type=kind)


def add_site(app: Application, site: Site, settings: Settings) -> None:
    async def page(request: Request, path: str = "") -> HTTPResponse:
        return site.answer(f"/{path}")

    async def unwritable(request: Request, path: str) -> HTTPResponse:
        """Without this an unknown address of the API would be one that takes GET, for the sake of the page."""
        if f"/{path}".startswith(OF_THE_API):
            raise NotFound
        raise MethodNotAllowed("", request.method, READING)

    async def docs(request: Request) -> HTTPResponse:
        return site.docs()

    app.add_route(docs, "/api/docs", methods=READING, name="docs")
    if settings.serve_site and site.is_built:
        app.add_route(page, "/", methods=READING, name="site")
        app.add_route(page, "/<path:path>", methods=READING, name="site_file")
        app.add_route(unwritable, "/<path:path>", methods=WRITING, name="site_unwritable")


def add_headers(app: Application, settings: Settings) -> None:
    """On every answer, also on errors."""

    @app.on_response  # type: ignore[misc, untyped-decorator, unused-ignore]  # Sanic's decorators have no types
    async def protect(request: Request, response: HTTPResponse) -> None:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Cache-Control", "no-store")
        if settings.secure_cookies:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
