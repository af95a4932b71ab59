"""The audit log at a terminal, and what the operator does there."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from msgspec.structs import replace
from rich.console import Console

from folkmoot.cli.audit import table_of_entries
from folkmoot.modules.audit.schemas import AuditEntry
from tests.cli.conftest import Run


async def test_what_the_operator_does_is_written_down_and_shown(operate: Run) -> None:
    await operate("user", "add", "ada@example.org", "--name", "Ada", given="correct horse battery\n")
    await operate("user", "disable", "ada@example.org")
    await operate("bot", "add", "Weather", "--scope", "rooms")
    shown = await operate("audit")
    assert (shown.status, shown.err) == (0, "")
    title, *lines = [line.split() for line in shown.out.splitlines()]
    assert title == ["when", "who", "what", "to", "outcome", "from"]
    lines = [line for line in lines if len(line) > 1]
    assert [line[1:3] for line in lines] == [
        ["operator", "bots.issue_token"],
        ["operator", "bots.add"],
        ["operator", "accounts.disable"],
        ["operator", "accounts.add"],
    ]
    assert lines[2][3:] == ["ada@example.org", "done", "local"]


ENTRY = AuditEntry(
    id=1, at=datetime(2026, 11, 20, 23, 59, 58, tzinfo=UTC), action="accounts.disable", outcome="done", reason=None,
    times=1, role="operator", actor_id=0, actor_name="operator", session_id=None, address="local", user_agent=None,
    request_id=None, target_kind="user", target_id=2, target_name="eve@example.org", details={},
)  # fmt: skip


def test_the_usual_is_on_one_line_of_80_columns() -> None:
    _, *lines = shown([ENTRY, replace(ENTRY, at=ENTRY.at - timedelta(days=365), address="192.168.100.200")], 80)
    assert [line.split() for line in lines] == [
        ["2026-11-20"],
        ["23:59:58", "operator", "accounts.disable", "eve@example.org", "done", "local"],
        ["2025-11-20"],
        ["23:59:58", "operator", "accounts.disable", "eve@example.org", "done", "192.168.100.200"],
    ]


@pytest.mark.parametrize("columns", [80, 60, 200])
def test_what_is_too_wide_for_its_column_wraps(columns: int) -> None:
    address, target = "2001:db8:85a3:8d3:1319:8a2e:370:7348", f"{'a' * 40}@example.org"
    wide = replace(ENTRY, target_name=target, reason="too_many_requests", times=12, address=address)
    title, _, *lines = shown([wide], columns)
    starts = [title.index(name) for name in title.split()]
    cells = ["".join(line[start:end] for line in lines) for start, end in zip(starts, [*starts[1:], None], strict=True)]
    assert [cell.replace(" ", "") for cell in cells] == [
        "23:59:58", "operator", "accounts.disable", target, "too_many_requests(12times)", address,
    ]  # fmt: skip
    assert columns < 80 or " accounts.disable " in lines[0], "the action is in one piece"


def shown(entries: list[AuditEntry], columns: int) -> list[str]:
    """The lines of a terminal that is so wide."""
    console = Console(width=columns, file=StringIO(), record=True)
    console.print(table_of_entries(entries, columns))
    return console.export_text().splitlines()


async def test_nothing_is_a_sentence(operate: Run) -> None:
    assert (await operate("audit", "--what", "nothing")).out == "No entry of the audit log is like that.\n"


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
