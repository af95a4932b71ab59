"""The example module, as a program uses it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from folkmoot.app import Node
from tests.people import Member, assert_problem, visiting


@pytest.fixture(params=["/v1.0/example", "/v1.0/actions/example", "/api/v1.0/example", "/api/v1.0/actions/example"])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_the_module_itself_answers_true(eve: Member, base: str) -> None:
    for path in (base, f"{base}/"):
        answer = await eve.http.post(path, json={})
        assert (answer.status_code, answer.text) == (200, "true")
        assert answer.headers["content-type"] == "application/json"


async def test_foo_gives_back_the_name_the_address_and_the_time(eve: Member, base: str) -> None:
    answer = await eve.http.post(f"{base}/foo", json={"name": "Gonzalo", "email": "g@example.org"})
    assert answer.status_code == 200
    given = answer.json()
    assert (given["name"], given["email"], given.keys()) == ("Gonzalo", "g@example.org", {"name", "email", "time"})
    assert abs(datetime.fromisoformat(given["time"]) - datetime.now(UTC)) < timedelta(minutes=1)


async def test_foo_needs_no_address(eve: Member) -> None:
    assert (await eve.http.post("/v1.0/example/foo", json={"name": "Gonzalo"})).json()["email"] is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"name": {"$gt": ""}}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "Gonzalo", "email": "nobody"}, "email"),
        ({"name": "Gonzalo", "emial": "g@example.org"}, "emial"),
    ],
)
@pytest.mark.parametrize("action", ["foo", "bar"])
async def test_what_is_wrong_is_named_and_is_never_a_200(
    eve: Member, base: str, action: str, given: dict[str, Any], field: str
) -> None:
    problem = assert_problem(await eve.http.post(f"{base}/{action}", json=given), 400, "invalid")
    assert problem["errors"].keys() == {field}


async def test_bar_writes_a_user_once_and_gives_all_by_name(eve: Member) -> None:
    zoe, anna = f"zoe-{uuid4()}", f"Anna-{uuid4()}"
    for name, email in ((zoe, None), (anna, None), (zoe, "zoe@example.org")):
        answer = await eve.http.post("/v1.0/example/bar", json={"name": name, "email": email})
        assert answer.status_code == 200, answer.text
    users = answer.json()
    assert [(user["name"], user["email"]) for user in users if user["name"] in (zoe, anna)] == [
        (anna, None),
        (zoe, "zoe@example.org"),
    ]
    names = [user["name"].lower() for user in users]
    assert names == sorted(names)


async def test_names_are_data(eve: Member) -> None:
    name = "Robert'); DROP TABLE example.users; --"
    assert (await eve.http.post("/v1.0/example/bar", json={"name": name})).status_code == 200
    answer = await eve.http.post("/v1.0/example/bar", json={"name": name})
    assert [user["name"] for user in answer.json()].count(name) == 1


async def test_a_visitor_hears_nothing(exemplary: Node, base: str) -> None:
    async with visiting(exemplary) as http:
        for path in (base, f"{base}/", f"{base}/foo", f"{base}/bar"):
            assert_problem(await http.post(path, json={"name": "x"}), 401, "not_signed_in")
