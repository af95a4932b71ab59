"""What is behind which address."""

import pytest

from tests.nginx.front import Front
from tests.people import PASSWORD, Member, assert_problem


async def test_hello_of_the_api_and_of_its_sign_in(entrance: Front) -> None:
    for path in ("/api", "/api/"):
        assert (await entrance.http.get(path)).json() == {"hello": "world!"}
    assert (await entrance.http.get("/api/v1.0/user/auth")).json() == {"hello": "world"}


async def test_signing_in(entrance: Front, ada: Member) -> None:
    given = {"email": ada.email, "password": PASSWORD}
    answer = await entrance.http.post("/api/v1.0/user/auth", json=given)
    assert answer.status_code == 200
    assert answer.json()["valid"] is True
    bearer = {"Authorization": f"Bearer {answer.json()['data']['access_token']}"}
    assert (await entrance.http.get("/api/v1.0/rooms", headers=bearer)).status_code == 200


async def test_the_prefix_is_cut_once_and_only_from_the_beginning(entrance: Front) -> None:
    for path in ("/apifoo", "/api.json", "/v1.0/user/auth", "/openapi.json/api"):
        answer = await entrance.http.get(path)
        assert "hello" not in answer.text, path
    # The node answers under /api as well, so a second one stays, and what is left is asked for as it stands.
    assert (await entrance.http.get("/api/api")).json() == {"hello": "world!"}
    assert_problem(await entrance.http.get("/api/anything/api"), 404, "not_found")


@pytest.mark.parametrize("path", ["/", "/app", "/login", "/rooms/7", "/apifoo", "/settings/tokens"])
async def test_every_address_of_the_app_is_its_page(entrance: Front, path: str) -> None:
    answer = await entrance.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<div id="app">' in answer.text
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_description_of_the_api_and_its_reader(entrance: Front) -> None:
    reader = await entrance.http.get("/api/docs")
    assert reader.headers["content-type"] == "text/html; charset=utf-8"
    assert "unsafe" not in reader.headers["content-security-policy"]
    assert (await entrance.http.get("/api/openapi.json")).json()["info"]["title"] == "Folkmoot"


async def test_files_of_the_page(entrance: Front) -> None:
    page = (await entrance.http.get("/")).text
    asset = page.partition('src="/assets/')[2].partition('"')[0]
    script = await entrance.http.get(f"/assets/{asset}")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    manifest = await entrance.http.get("/manifest.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json; charset=utf-8"
    assert manifest.headers["cache-control"] == "no-cache"
    for path in ("/index.html", "/docs.html", "/nothing.js", "/.env", "/assets/", "/assets/nothing.js", "/a/b.c"):
        assert_problem(await entrance.http.get(path), 404, "not_found")
    refused = await entrance.http.post("/rooms", json={})
    assert_problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, HEAD"


async def test_health(entrance: Front) -> None:
    assert (await entrance.http.get("/healthz")).json() == {"live": True}
    assert (await entrance.http.get("/readyz")).json()["ready"] is True
    for path, status in (("/live", 200), ("/ready", 200), ("/status", 200), ("/api", 404)):
        answer = await entrance.http.get(f"http://127.0.0.1:{entrance.health_port}{path}")
        assert answer.status_code == status, path
