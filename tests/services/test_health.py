"""What an admin sees of services, and nobody else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from folkmoot.errors import ServiceFailed
from tests.conftest import Start
from tests.people import assert_problem, enrol, visiting
from tests.services.upstream import saying, upstream

SERVICES = "/api/v1.0/services"


async def test_an_admin_sees_how_services_are(
    start: Start, write: Callable[[str], Path], free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "canary")
    async with upstream(saying("ok")) as well, upstream(saying("ill", 500)) as ill:
        path = write(
            f"well:\n  base_uri: {well.address}\n  credentials: {{bearer: {{env: TOKEN}}}}\n"
            f"ill:\n  base_uri: {ill.address}\n  breaker_failures: 1\n  retries: 0\n"
            f"dead:\n  base_uri: http://127.0.0.1:{free_port}\n"
        )
        async with start(services=path) as node, enrol(node, "Root", "admin") as admin:
            with pytest.raises(ServiceFailed):
                await node.core.services["ill"].get("/")
            answer = await admin.http.get(SERVICES)
            assert answer.status_code == 200
            assert "canary" not in answer.text
            seen = {each["name"]: each for each in answer.json()["services"]}
    assert list(seen) == ["well", "ill", "dead"]
    assert (seen["well"]["is_well"], seen["well"]["says"], seen["well"]["breaker"]) == (True, "answers 200", "closed")
    assert (seen["ill"]["is_well"], seen["ill"]["breaker"]) == (False, "open")
    assert seen["dead"]["address"] == f"http://127.0.0.1:{free_port}"
    assert seen["dead"]["says"].startswith("does not answer")


async def test_nobody_else_does(start: Start, write: Callable[[str], Path]) -> None:
    async with upstream(saying("ok")) as well:
        async with start(services=write(f"well:\n  base_uri: {well.address}\n")) as node, enrol(node, "Ada") as ada:
            assert_problem(await ada.http.get(SERVICES), 403, "forbidden")
            async with visiting(node) as stranger, visiting(node, "revoked") as revoked:
                assert_problem(await stranger.get(SERVICES), 401, "not_signed_in")
                assert_problem(await revoked.get(SERVICES), 401, "not_signed_in")
        assert well.asked == []


async def test_what_is_malformed_is_refused(start: Start) -> None:
    async with start() as node, enrol(node, "Root", "admin") as admin:
        assert (await admin.http.get(SERVICES)).json() == {"services": []}
        assert_problem(await admin.http.get(SERVICES, params={"name": "x"}), 400, "invalid")
