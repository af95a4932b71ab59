"""The audit log at a terminal, and what the operator does there."""

import json

from tests.cli.conftest import Run


async def test_what_the_operator_does_is_written_down_and_shown(operate: Run) -> None:
    await operate("user", "add", "ada@example.org", "--name", "Ada", given="correct horse battery\n")
    await operate("user", "disable", "ada@example.org")
    await operate("bot", "add", "Weather", "--scope", "rooms")
    shown = await operate("audit")
    assert (shown.status, shown.err) == (0, "")
    title, *lines = [line.split() for line in shown.out.splitlines()]
    assert title == ["when", "who", "what", "to", "outcome", "from"]
    assert [line[2:4] for line in lines] == [
        ["operator", "bots.issue_token"],
        ["operator", "bots.add"],
        ["operator", "accounts.disable"],
        ["operator", "accounts.add"],
    ]
    assert lines[2][4:] == ["ada@example.org", "done", "local"]


async def test_it_is_filtered_and_given_as_json_lines(operate: Run) -> None:
    await operate("user", "add", "ada@example.org", "--name", "Ada", given="correct horse battery\n")
    await operate("user", "disable", "ada@example.org")
    said = await operate("audit", "--json", "--what", "accounts.disable", "--who", "operator")
    (line,) = [json.loads(line) for line in said.out.splitlines()]
    assert (line["role"], line["action"], line["target_name"]) == ("operator", "accounts.disable", "ada@example.org")
    for nothing in (("--refused",), ("--who", "ada@example.org"), ("--until", "2020-01-01")):
        assert (await operate("audit", "--json", *nothing)).out == ""
    assert (await operate("audit", "--json", "--since", "2020-01-01", "--limit", "1")).out.count("\n") == 1


async def test_nobody_of_that_name_is_said(operate: Run) -> None:
    refused = await operate("audit", "--who", "nobody@example.org")
    assert refused.status == 1
    assert "There is no account nobody@example.org." in " ".join(refused.err.split())
