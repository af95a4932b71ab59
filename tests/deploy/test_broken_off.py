"""Something that is broken off, wherever it is, and done again: it ends as if nothing had been."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from folkmoot_server.errors import Failed
from tests.deploy.town import Killed, Town

MOST = 40


def broken_off(town: Town, moment: float, what: Callable[[], object]) -> bool:
    """Does it until the power goes at this moment. Returns whether it got that far."""
    town.world.dies_at = moment
    try:
        what()
    except Killed:
        return True
    except Failed:
        return False
    finally:
        town.world.dies_at = 0.0
    return False


def moments(tmp_path: Path, town_of: Callable[[Town], None], what: Callable[[Town], object]) -> list[Town]:
    """A town for each moment at which it can be broken off, broken off there."""
    towns = []
    for number in range(2, 2 * MOST):
        town = Town(tmp_path / f"{number}")
        town_of(town)
        town.say("before")
        if broken_off(town, number / 2, partial(what, town)):
            towns.append(town)
    assert len(towns) > 6, "it must have been broken off for this test to mean anything"
    assert len(towns) < MOST
    return towns


def at_one(town: Town) -> None:
    town.switch("one")


def at_three(town: Town) -> None:
    town.switch("one")
    town.switch("three")


def test_a_first_start_goes_on(tmp_path: Path) -> None:
    for number in (1.0, 1.5, 2.0):
        town = Town(tmp_path / f"{number}")
        assert broken_off(town, number, partial(town.switch, "one"))
        town.switch("one")
        assert town.runs("one")


def test_an_upgrade_goes_on_and_nothing_is_lost(tmp_path: Path) -> None:
    for town in moments(tmp_path, at_one, lambda town: town.switch("three")):
        town.say("in between")
        town.switch("three")
        assert town.runs("three")
        assert town.world.said == ["before", "in between"]
        upgrade = town.state.upgraded_by("three")
        assert upgrade
        assert upgrade.revision == "0007"
        assert '"0007"' in (town.state.backups / upgrade.backup).read_text(), "a backup from before the schema changed"


@pytest.mark.parametrize("instead", ["one", "two"])
def test_an_upgrade_may_be_given_up_for_another(tmp_path: Path, instead: str) -> None:
    for town in moments(tmp_path, at_one, lambda town: town.switch("three")):
        town.say("in between")
        town.switch(instead)
        assert town.runs(instead)
        assert town.world.said == ["before", "in between"]


def test_going_back_ends_an_upgrade_that_was_broken_off(tmp_path: Path) -> None:
    for town in moments(tmp_path, at_one, lambda town: town.switch("three")):
        if town.state.under_way and town.state.current == "one":
            town.steward().back()
            assert town.runs("one")
            assert town.world.said == ["before"]


def test_a_release_that_fails_is_taken_back_in_the_end(tmp_path: Path) -> None:
    for town in moments(tmp_path, at_one, lambda town: town.switch("broken")):
        with pytest.raises(Failed, match="one runs again"):
            town.switch("broken")
        assert town.runs("one")
        assert town.world.said == ["before"]


@pytest.mark.parametrize("data", ["keep", "backup"])
def test_going_back_goes_on(tmp_path: Path, data: str) -> None:
    for town in moments(tmp_path, at_three, lambda town: town.steward().back(data)):
        if town.state.current == "three":
            town.steward().back(data)
        assert town.runs("one")
        assert town.world.said == (["before"] if data == "keep" else [])


def test_a_restore_goes_on(tmp_path: Path) -> None:
    def restore(town: Town) -> None:
        town.steward().restore("town.backup")

    def with_backup(town: Town) -> None:
        at_one(town)
        (town.state.backups / "town.backup").write_text('{"revision": "0007", "said": ["long ago"]}')

    for town in moments(tmp_path, with_backup, restore):
        restore(town)
        assert town.runs("one")
        assert town.world.said == ["long ago"]
        assert any('"before"' in file.read_text() for file in town.state.backups.glob("before-restore*"))


def test_whatever_was_broken_off_an_upgrade_ends_well(tmp_path: Path) -> None:
    for town in moments(tmp_path, at_three, lambda town: town.steward().back("keep")):
        town.switch("two")
        assert town.runs("two")
        assert town.world.said == ["before"]
