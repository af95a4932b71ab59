"""A browser's session: a cookie no script can read, and requests that only our own page can make."""

from http.cookies import SimpleCookie

import httpx
import pytest

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import PASSWORD, Browser, Member, assert_problem, browsing, visiting

SESSION = "/api/v1.0/session"


def cookie_of(answer: httpx.Response, name: str = "sid") -> dict[str, object]:
    """The attributes of the one cookie of that name that the answer sets."""
    (header,) = [given for given in answer.headers.get_list("set-cookie") if given.startswith(f"{name}=")]
    morsel = SimpleCookie(header)[name]
    return {"value": morsel.value, **{key: value for key, value in morsel.items() if value != ""}}


async def test_a_browser_gets_its_token_in_a_cookie_and_nowhere_else(node: Node, ada: Member) -> None:
    async with browsing(node) as browser:
        answer = await browser.sign_in(ada.email.upper())
        cookie = cookie_of(answer)
        token = str(cookie.pop("value"))
        assert token not in answer.text
        assert cookie.pop("max-age") == "2592000"
        assert cookie == {"path": "/", "httponly": True, "samesite": "Strict"}
        assert answer.json()["user"] == {"id": ada.id, "email": ada.email, "name": "Ada", "role": "member"}
        session = answer.json()["session"]
        assert (session["kind"], session["current"], session["address"]) == ("browser", True, "127.0.0.1")
        assert session["user_agent"].startswith("python-httpx")


async def test_over_https_the_cookie_is_bound_to_the_host_and_never_leaves_tls(start: Start, ada: Member) -> None:
    async with start(url="https://chat.example.org") as node, browsing(node) as browser:
        answer = await browser.sign_in(ada.email)
        cookie = cookie_of(answer, "__Host-sid")
        token = str(cookie.pop("value"))
        assert cookie == {"path": "/", "httponly": True, "samesite": "Strict", "secure": True, "max-age": "2592000"}
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        async with visiting(node) as http:
            assert (await http.get(SESSION, headers={"Cookie": f"__Host-sid={token}"})).status_code == 200
            other_name = await http.get(SESSION, headers={"Cookie": f"sid={token}"})
            assert_problem(other_name, 401, "not_signed_in")
            headers = {"Cookie": f"__Host-sid={token}", "X-Requested-With": "folkmoot"}
            gone = await http.delete(SESSION, headers=headers)
        assert cookie_of(gone, "__Host-sid")["max-age"] == "0"
        assert cookie_of(gone, "__Host-sid")["secure"] is True


async def test_the_cookie_alone_may_read(node: Node, browser: Browser) -> None:
    async with visiting(node) as plain:
        answer = await plain.get(SESSION, headers={"Cookie": f"sid={browser.token}"})
    assert answer.json()["session"]["current"] is True


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Requested-With": ""},
        {"X-Requested-With": "XMLHttpRequest"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://folkmoot.test.evil.example"},
        {"Origin": "https://folkmoot.test"},
        {"Origin": "http://folkmoot.test:81"},
        {"Origin": "HTTP://FOLKMOOT.TEST"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://folkmoot.test"},
    ],
)
async def test_another_site_cannot_make_the_browser_change_anything(browser: Browser, headers: dict[str, str]) -> None:
    for change in (
        browser.http.post("/api/v1.0/rooms", json={"name": "Trap"}, headers=headers),
        browser.http.delete(SESSION, headers=headers),
        browser.http.put("/api/v1.0/rooms/1/read", json={"seq": 1}, headers=headers),
    ):
        assert_problem(await change, 403, "forbidden")
    assert (await browser.http.get(SESSION)).status_code == 200, "still signed in"
    assert "Trap" not in (await browser.http.get("/api/v1.0/rooms")).text


async def test_a_browser_that_sends_no_header_of_ours_may_read_only(node: Node, browser: Browser) -> None:
    async with visiting(node) as plain:
        plain.headers["Cookie"] = f"sid={browser.token}"
        assert_problem(await plain.post("/api/v1.0/rooms", json={"name": "Trap"}), 403, "forbidden")
        assert (await plain.get("/api/v1.0/rooms")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://folkmoot.test"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
)
async def test_our_own_page_may_change_things(browser: Browser, headers: dict[str, str]) -> None:
    answer = await browser.http.post("/api/v1.0/rooms", json={"name": "Ours"}, headers=headers)
    assert answer.status_code == 201


async def test_origins_that_the_operator_lists_may_change_things(start: Start, ada: Member) -> None:
    async with start(origins=("https://intranet.example",)) as node, browsing(node) as browser:
        await browser.sign_in(ada.email)
        for origin in ("https://intranet.example", "http://folkmoot.test"):
            answer = await browser.http.post("/api/v1.0/rooms", json={"name": "X"}, headers={"Origin": origin})
            assert answer.status_code == 201


async def test_a_form_of_another_site_cannot_sign_anybody_in(node: Node, ada: Member) -> None:
    async with visiting(node) as http:
        answer = await http.post(SESSION, data={"email": ada.email, "password": PASSWORD})
    assert_problem(answer, 415, "wrong_media_type")
    assert "set-cookie" not in answer.headers


async def test_no_other_origin_is_ever_allowed_to_read(browser: Browser) -> None:
    asked = await browser.http.get(SESSION, headers={"Origin": "https://evil.example"})
    preflight = await browser.http.request(
        "OPTIONS",
        SESSION,
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert preflight.status_code == 405
    for answer in (asked, preflight):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_cookie_and_bearer_together_are_refused(browser: Browser, ada: Member) -> None:
    answer = await browser.http.get(SESSION, headers={"Authorization": f"Bearer {ada.token}"})
    assert_problem(answer, 400, "malformed")


@pytest.mark.parametrize("cookie", ["sid=", "sid=wrong", 'sid=""', "sid", ";;;", "sid=a; sid=b", f"sid={'x' * 5000}"])
async def test_a_cookie_that_is_no_session_is_nobody(visitor: httpx.AsyncClient, cookie: str) -> None:
    assert_problem(await visitor.get(SESSION, headers={"Cookie": cookie}), 401, "not_signed_in")


async def test_signing_out_ends_the_session_and_clears_the_browser(node: Node, browser: Browser) -> None:
    token = browser.token
    answer = await browser.http.delete(SESSION)
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert cookie_of(answer)["max-age"] == "0"
    assert cookie_of(answer)["value"] == ""
    async with visiting(node) as replay:
        again = await replay.get(SESSION, headers={"Cookie": f"sid={token}"})
    assert_problem(again, 401, "not_signed_in")


async def test_each_sign_in_is_a_session_of_its_own(node: Node, ada: Member) -> None:
    async with browsing(node) as browser:
        await browser.sign_in(ada.email)
        first = browser.token
        await browser.sign_in(ada.email)
        assert browser.token != first


async def test_a_wrong_password_sets_no_cookie(visitor: httpx.AsyncClient, ada: Member) -> None:
    answer = await visitor.post(SESSION, json={"email": ada.email, "password": "not hers"})
    problem = assert_problem(answer, 401, "wrong_credentials")
    assert "valid" not in problem
    assert "set-cookie" not in answer.headers
