"""What the audit of dependencies makes of what PyPI and npm tell."""

import json

import pytest

from scripts import audit
from scripts.audit import Answer, read_npm_audit, read_pip_audit

CLEAN = Answer("base")
HOLE = Answer("base", ["    sanic 1.0: GHSA-1, mended in 1.1 or 2.0"])
UNASKED = Answer("base", why_not="ConnectionError")


def of_pip(*holes: dict[str, object]) -> str:
    return json.dumps({"dependencies": [{"name": "sanic", "version": "1.0", "vulns": holes}]})


def test_a_hole_of_a_package_is_named_with_what_mends_it() -> None:
    assert read_pip_audit("base", of_pip({"id": "GHSA-1", "fix_versions": ["1.1", "2.0"]}), "Found 1") == HOLE
    assert read_pip_audit("base", of_pip({"id": "GHSA-2", "fix_versions": []}), "").holes == [
        "    sanic 1.0: GHSA-2, mended in no version yet"
    ]
    assert read_pip_audit("base", of_pip(), "No known vulnerabilities found") == Answer("base", [])


def test_a_hole_of_the_page_is_named() -> None:
    found = {"vulnerabilities": {"vue": {"range": "<3.6", "severity": "high"}}}
    assert read_npm_audit("page", json.dumps(found), "").holes == ["    vue <3.6: high, see npm audit"]
    assert read_npm_audit("page", '{"vulnerabilities": {}}', "") == Answer("page", [])


def test_who_could_not_be_asked_has_not_said_that_all_is_well() -> None:
    assert read_pip_audit("base", "", "INFO\nERROR: Dependency not found on PyPI\n").why_not.startswith("ERROR: Dep")
    passed_over = json.dumps(
        {"dependencies": [{"name": "vue", "skip_reason": "not on PyPI"}, {"name": "x", "vulns": []}]}
    )
    assert read_pip_audit("base", passed_over, "No known vulnerabilities found").why_not.startswith(
        "1 of 2 packages (not"
    )
    assert read_npm_audit("page", '{"message": "405 Method Not Allowed"}', "").why_not == "405 Method Not Allowed"
    assert read_npm_audit("page", "", "").why_not == "it did not say why"


@pytest.mark.parametrize(
    ("answers", "strictly", "where_told"),
    [([CLEAN], 0, 0), ([CLEAN, UNASKED], 2, 0), ([HOLE], 1, 1), ([UNASKED, HOLE], 1, 1)],
)
def test_a_hole_fails_it_and_silence_fails_it_unless_it_may_be(
    answers: list[Answer],
    strictly: int,
    where_told: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "ask", lambda: answers)
    assert audit.main([]) == strictly
    assert audit.main(["--where-told"]) == where_told
    said = capsys.readouterr().out
    assert ("not looked up: ConnectionError" in said) == (UNASKED in answers)
    assert ("GHSA-1" in said) == (HOLE in answers)
