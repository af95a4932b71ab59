"""The page and its files, and that nothing else is ever served from the disk."""

from asyncio import to_thread
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import Start
from tests.http.test_errors import raw
from tests.people import assert_problem, visiting

INDEX = "<!doctype html><title>Folkmoot</title>"
SCRIPT = "console.log('hello')"


def built(folder: Path) -> Path:
    """A folder as the build of the page leaves it, with a secret beside it."""
    site = folder / "site"
    (site / "assets").mkdir(parents=True)
    (site / "index.html").write_text(INDEX)
    (site / "docs.html").write_text("<!doctype html><title>API</title>")
    (site / "assets" / "app-1a2b.js").write_text(SCRIPT)
    (site / "assets" / "style-3c4d.css").write_text("body { margin: 0 }")
    (site / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (site / "manifest.webmanifest").write_text("{}")
    (folder / "secret.txt").write_text("canary")
    return site


@pytest.fixture(scope="module")
async def site(start: Start, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    async with start(site=built(tmp_path_factory.mktemp("built")), serve_site=True) as node, visiting(node) as http:
        yield http


@pytest.mark.parametrize("path", ["/", "/app", "/app/", "/login", "/rooms/7", "/a/b/c", "/rooms/7?x=1.5", "/index"])
async def test_every_address_of_the_app_is_its_page(site: httpx.AsyncClient, path: str) -> None:
    answer = await site.get(path)
    assert answer.status_code == 200
    assert answer.text == INDEX
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "kind", "cache"),
    [
        ("/assets/app-1a2b.js", "text/javascript", "public, max-age=31536000, immutable"),
        ("/assets/style-3c4d.css", "text/css", "public, max-age=31536000, immutable"),
        ("/icon.svg", "image/svg+xml", "no-cache"),
        ("/manifest.webmanifest", "application/manifest+json", "no-cache"),
    ],
)
async def test_files_have_their_types_and_those_named_by_a_hash_are_kept_for_ever(
    site: httpx.AsyncClient, path: str, kind: str, cache: str
) -> None:
    answer = await site.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.headers["cache-control"] == cache


@pytest.mark.parametrize("path", ["/assets/app-0000.js", "/favicon.ico", "/.env", "/app.js.map", "/assets/.git"])
async def test_a_file_that_is_not_there_is_a_problem_and_not_the_page(site: httpx.AsyncClient, path: str) -> None:
    answer = await site.get(path)
    assert_problem(answer, 404, "not_found")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/%2e%2e%2fsecret.txt", "/..%5csecret.txt",
        "/....//secret.txt", "/assets/../../secret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd",
        "/%2fetc%2fpasswd", "/..%252fsecret.txt", "/%c0%ae%c0%ae/secret.txt", "/.%00./secret.txt",
        "/secret.txt%00.js", "/file:///etc/passwd", "/assets/%2e%2e/%2e%2e/secret.txt", "/..;/secret.txt",
    ],
)  # fmt: skip
async def test_no_spelling_of_a_path_leads_out_of_the_site(site: httpx.AsyncClient, path: str) -> None:
    """Sent as they are: a client library would tidy them up."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    answer = await to_thread(raw, site.base_url.port or 0, request)
    assert answer.split(b" ")[1] in (b"200", b"400", b"404")
    assert b"canary" not in answer
    assert b"root:" not in answer
    if answer.split(b" ")[1] == b"200":
        assert INDEX.encode() in answer, "the page of the app, which is the same for all"


@pytest.mark.parametrize("path", ["/api/nope", "/api/v1.0/nope", "/v1.0/nope", "/api/v1.0/rooms/1/nope/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_an_unknown_address_of_the_api_is_never_the_page(site: httpx.AsyncClient, method: str, path: str) -> None:
    assert_problem(await site.request(method, path), 404, "not_found")


async def test_the_page_is_only_read(site: httpx.AsyncClient) -> None:
    for path in ("/", "/login"):
        answer = await site.post(path)
        assert_problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/login", "/assets/app-1a2b.js", "/api/docs", "/healthz"])
async def test_head_says_the_same_without_a_body(site: httpx.AsyncClient, path: str) -> None:
    head, get = await site.head(path), await site.get(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))


async def test_the_api_goes_on_beside_the_page(site: httpx.AsyncClient) -> None:
    assert (await site.get("/api")).json() == {"hello": "world!"}
    assert (await site.get("/api/openapi.json")).json()["openapi"] == "3.1.0"
    assert_problem(await site.get("/api/v1.0/rooms"), 401, "not_signed_in")
    for method, path, allowed in (
        ("DELETE", "/api/v1.0/rooms", {"GET", "POST"}),
        ("HEAD", "/api/v1.0/rooms", {"GET", "POST"}),
        ("GET", "/api/v1.0/rooms/7/join", {"POST"}),
        ("PATCH", "/api/v1.0/rooms/7", {"GET"}),
    ):
        answer = await site.request(method, path)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == allowed


async def test_a_node_that_serves_no_site_says_hello_at_its_root(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/")).json() == {"hello": "world!"}
    assert_problem(await visitor.get("/login"), 404, "not_found")


async def test_a_node_without_a_built_page_starts_all_the_same(start: Start, tmp_path: Path) -> None:
    async with start(site=tmp_path, serve_site=True) as node, visiting(node) as http:
        assert (await http.get("/")).json() == {"hello": "world!"}
        assert_problem(await http.get("/api/docs"), 404, "not_found")
