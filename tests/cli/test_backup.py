"""A backup, and what comes back of it."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.cli.conftest import Run
from tests.conftest import Start
from tests.people import enrol, enrol_bot, visiting
from tests.realtime.wire import Wire, wired


async def test_what_was_backed_up_comes_back_and_nothing_else(
    operate: Run, start: Start, empty_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "town.backup"
    there = {"database_url": SecretStr(empty_database)}
    await operate("user", "list")  # which makes the tables
    async with start(**there) as node, enrol(node, "Ada", "admin") as ada, enrol_bot(ada, "Clerk") as clerk:
        room_id = await ada.make_room()
        await ada.say(room_id, "Before")
        written = await operate("backup", str(file))  # while everybody is here
        assert (written.status, written.err) == (0, "")
        assert written.out.startswith(f"Wrote {file}: 0.")
        assert file.stat().st_mode & 0o777 == 0o600
        await ada.say(room_id, "After")
        async with wired(node.port, ada.token) as wire:
            since = (await wire.do("history", channel=f"room:{room_id}", limit=0))["epoch"]
        refused = await operate("restore", str(file), "--yes")
        assert "Stop the servers first" in refused.refusal()
    restored = await operate("restore", str(file), "--yes")
    assert (restored.status, restored.err) == (0, "")
    async with start(**there) as node, visiting(node, ada.token) as http, visiting(node, clerk.token) as bot:
        assert (await http.get("/api/v1.0/rooms")).status_code == 401, "signed in before the backup, and must again"
        assert (await bot.get("/api/v1.0/rooms")).status_code == 200, "a token holds as it did"
        async with enrol(node, "Bob") as bob:
            await bob.join(room_id)
            events = await bob.events(room_id)
            assert [event["body"] for event in events if event["kind"] == "message"] == ["Before"]
            wire = await Wire.open(node.port)
            position = {"recover": True, "offset": 3, "epoch": since}
            channel = f"room:{room_id}"
            sub = (await wire.connect(bob.token, subs={channel: position}))["subs"][channel]
            assert not sub["recovered"], "whoever saw another log loads the room anew"
            assert sub["epoch"] != since
            await wire.leave()


async def test_a_backup_that_cannot_be_put_back_changes_nothing(
    operate: Run, empty_database: str, tmp_path: Path
) -> None:
    await operate("user", "add", "ada@example.org", "--generate")
    whole, cut, other = tmp_path / "whole.backup", tmp_path / "cut.backup", tmp_path / "other.backup"
    assert (await operate("backup", str(whole))).status == 0
    cut.write_bytes(whole.read_bytes()[:-20_000])
    other.write_text("DROP TABLE users;")
    for file, words in (
        (cut, "pg_restore failed, and nothing was changed"),
        (other, "pg_restore failed, and nothing was changed"),
        (tmp_path / "none.backup", "There is no backup"),
    ):
        assert words in (await operate("restore", str(file), "--yes")).refusal()
        assert words in (await operate("restore", str(file), "--check")).refusal()
        assert "ada@example.org" in (await operate("user", "list")).out
    checked = await operate("restore", str(whole), "--check")
    assert (checked.status, checked.out) == (0, f"All of {whole} can be read.\n")
    assert "say --yes" in (await operate("restore", str(whole))).refusal()
    assert "is there already" in (await operate("backup", str(whole))).refusal()
    assert "cannot be written" in (await operate("backup", str(tmp_path / "no" / "folder"))).refusal()
    assert {file.name for file in tmp_path.iterdir()} == {"whole.backup", "cut.backup", "other.backup"}


@pytest.mark.parametrize("command", ["backup", "restore"])
async def test_a_database_that_is_away_is_said(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "x.backup").touch()
    away = {"DATABASE_URL": "postgresql://a:canary@127.0.0.1:1/b", "REDIS_URL": "redis://127.0.0.1:1/0"}
    given = ["restore", "x.backup", "--yes"] if command == "restore" else ["backup", "y.backup"]
    refusal = (await run(*given, FOLKMOOT_DATABASE_START_S="0", **away)).refusal()
    assert "refused" in refusal or "does not answer" in refusal
    assert "canary" not in refusal
