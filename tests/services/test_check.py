"""`folkmoot services check`, and what `doctor` says of services."""

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Run, run, terminal  # noqa: F401 - fixtures
from tests.services.upstream import saying, upstream

Write = Callable[[str], Path]


async def test_check_shows_each_service(run: Run, write: Write) -> None:  # noqa: F811
    async with upstream(saying("ok")) as flask, upstream(saying("ill", 500)) as node:
        path = write(
            f"flask:\n  base_uri: {flask.address}\n  health: /health\n"
            f"node:\n  base_uri: {node.address}\n  breaker_failures: 1\n"
        )
        said = await run("services", "check", FOLKMOOT_SERVICES=str(path))
        assert said.status == 1
        assert said.out.splitlines()[0].split() == ["service", "address", "health", "time", "breaker"]
        shown = " ".join(said.out.split())
        assert f"flask {flask.address} ✓ answers 200" in shown
        assert "opens after 5 failures, for 10 s" in shown
        assert f"node {node.address} ✗ failed with status 500" in shown
        assert "opens after 1 failure, for 10 s" in shown
        assert [asked.target for asked in (*flask.asked, *node.asked)] == ["/health", "/"]
        node.behave = saying("well")
        assert (await run("services", "check", FOLKMOOT_SERVICES=str(path))).status == 0


async def test_check_names_every_mistake_of_the_file(run: Run, write: Write) -> None:  # noqa: F811
    path = write("flask:\n  base_uri: nowhere\nnode:\n  base_uri: http://node\n  retry: 3\n")
    refusal = (await run("services", "check", FOLKMOOT_SERVICES=str(path))).refusal()
    assert f"{path}:2: flask.base_uri must be an address" in refusal
    assert f"{path}:5: node.retry is no key that is known here; is it 'retries'?" in refusal


async def test_check_without_a_file_says_what_to_set(run: Run) -> None:  # noqa: F811
    assert "set FOLKMOOT_SERVICES" in (await run("services", "check")).refusal()


async def test_doctor_says_whether_services_are_well(run: Run, write: Write, free_port: int) -> None:  # noqa: F811
    async with upstream(saying("ok")) as flask:
        path = write(f"flask:\n  base_uri: {flask.address}\n")
        assert f"✓ services  1 in {path}, all well" in (await run("doctor", FOLKMOOT_SERVICES=str(path))).out
    path.write_text(f"flask:\n  base_uri: http://127.0.0.1:{free_port}\n")
    said = await run("doctor", FOLKMOOT_SERVICES=str(path))
    assert "✗ services  not well: flask" in said.out
    assert said.status == 1
    path.write_text("flask: 1\n")
    assert f"{path}:1: flask must be a mapping" in (await run("doctor", FOLKMOOT_SERVICES=str(path))).out
    assert "✓ services  none" in (await run("doctor")).out
