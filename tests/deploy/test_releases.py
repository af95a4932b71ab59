"""From one release to another, and back: what runs afterwards, and what became of what people said."""

import os
from pathlib import Path

import pytest

from folkmoot_server.errors import Failed
from tests.deploy.town import Town


def test_the_first_release_is_started_and_then_nothing_changes(town: Town) -> None:
    assert town.switch("one")
    assert town.runs("one")
    assert not town.switch("one")
    assert not town.backups


def test_a_first_release_that_is_not_healthy_says_why(town: Town) -> None:
    with pytest.raises(Failed, match=r"(?s)broken is not healthy.*servers of broken said"):
        town.switch("broken")
    town.switch("three")
    assert town.runs("three"), "which is no upgrade: nothing ran before"


def test_an_upgrade_backs_up_first_and_loses_nothing(town: Town) -> None:
    town.switch("one")
    town.say("before")
    assert town.switch("three")
    assert town.runs("three")
    assert [name[:12] for name in town.backups] == ["before-three"]
    assert town.world.said == ["before"]
    assert not town.world.was_away, "the servers of the former release went when the new ones were well"


def test_a_release_that_never_becomes_healthy_takes_itself_back(town: Town) -> None:
    town.switch("one")
    town.say("before")
    with pytest.raises(Failed, match=r"(?s)broken did not become healthy.*servers of broken said.*one runs again\.$"):
        town.switch("broken")
    assert town.runs("one"), "the schema too is as the former release knows it"
    assert town.world.said == ["before"]
    assert not town.world.was_away, "and people had it all the while"


def test_going_back_is_simple_when_the_schema_is_the_same(town: Town) -> None:
    town.switch("one")
    town.switch("two")
    town.say("since")
    town.steward().back()
    assert town.runs("one")
    assert town.world.said == ["since"]
    with pytest.raises(Failed, match="nothing to go back to"):
        town.steward().back()


@pytest.mark.parametrize(("data", "left"), [("keep", ["before", "since"]), ("backup", ["before"])])
def test_going_back_asks_when_something_would_be_lost(town: Town, data: str, left: list[str]) -> None:
    town.switch("one")
    town.say("before")
    town.switch("three")
    town.say("since")
    with pytest.raises(Failed, match=r"(?s)from 0007 to 0008.*DATA=keep.*DATA=backup.*before-three"):
        town.steward().back()
    assert town.runs("three"), "asking changed nothing"
    town.steward().back(data)
    assert town.runs("one")
    assert town.world.said == left
    assert any(name.startswith("before-going-back-to-one") for name in town.backups)


def test_a_backup_is_restored_and_what_was_there_is_kept(town: Town) -> None:
    town.switch("one")
    town.say("before")
    file = town.steward().back_up("town")
    town.say("since")
    town.steward().restore(file)
    assert town.runs("one")
    assert town.world.said == ["before"]
    town.steward().restore(next(name for name in town.backups if name.startswith("before-restore")))
    assert town.world.said == ["before", "since"]


def test_a_backup_that_root_brought_is_given_to_whom_backups_belong(town: Town) -> None:
    town.switch("one")
    brought = town.state.backups / town.steward().back_up("town")
    owner = 4711 if os.geteuid() == 0 else os.geteuid()  # only root can give anything away
    os.chown(town.state.backups, owner, -1)
    brought.chmod(0o400)
    town.steward().restore(brought.name)
    assert (brought.stat().st_uid, brought.stat().st_mode & 0o777) == (owner, 0o600)
    (town.state.backups / "link.backup").symlink_to("/etc/passwd")
    with pytest.raises(Failed, match="There are:"):
        town.steward().restore("link.backup")
    assert Path("/etc/passwd").stat().st_uid == 0


def test_a_backup_that_cannot_be_restored_changes_nothing(town: Town) -> None:
    town.switch("one")
    town.switch("three")
    newer = town.steward().back_up("newer")
    town.steward().back("keep")
    town.say("mine")
    (town.state.backups / "torn.backup").write_text("{")
    for file, words in (
        ("torn.backup", "is no backup"),
        ("../../etc/passwd", "There are:"),
        ("", "There are:"),
        (newer, "a newer Folkmoot made it"),
    ):
        with pytest.raises(Failed, match=words):
            town.steward().restore(file)
        assert town.runs("one")
        assert town.world.said == ["mine"]


def test_nightly_backups_do_not_pile_up_and_what_is_needed_stays(town: Town) -> None:
    town.switch("one")
    (town.state.backups / "by-hand.backup").write_text("{}")
    town.switch("three")
    needed = next(name for name in town.backups if name.startswith("before-three"))
    for number in range(4):
        for kind in ("nightly", "before-x"):
            (town.state.backups / f"{kind}-{number}.backup").write_text("{}")
    town.steward().back_up("nightly")
    assert {"by-hand.backup", needed} < town.backups
    assert len([name for name in town.backups if name.startswith("nightly-")]) == 2
    assert len([name for name in town.backups if name.startswith("before-x-")]) == 2


def test_old_releases_go_and_those_that_are_needed_stay(town: Town) -> None:
    for release in ("one", "two", "three"):
        town.switch(release)
    town.prune_releases(keep=1)
    assert {folder.name for folder in town.state.releases.iterdir()} == {"two", "three"}
    assert town.world.images == {"two", "three"}


def test_what_cannot_be_done_is_said(town: Town) -> None:
    with pytest.raises(Failed, match="No release runs"):
        town.steward().back_up("nightly")
    town.switch("one")
    with pytest.raises(Failed, match="cannot be the name of a backup"):
        town.steward().back_up("../up")
