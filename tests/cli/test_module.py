"""`folkmoot module`: make one, and see what is loaded."""

from pathlib import Path

from tests.cli.conftest import Run
from tests.modules.written import write_module


async def test_the_command_says_where_it_is_and_what_to_do_next(run: Run, tmp_path: Path) -> None:
    made = await run("module", "new", "shop", "--in", str(tmp_path))
    assert made.status == 0, made.err
    assert f"python -m pytest {tmp_path / 'shop'}" in made.out
    again = await run("module", "new", "shop", "--in", str(tmp_path))
    assert again.status == 1
    assert "is there already" in again.err


async def test_the_list_names_actions_and_what_is_wrong(run: Run, tmp_path: Path) -> None:
    whole = write_module(tmp_path / "words")
    listed = await run("module", "list", FOLKMOOT_MODULES=str(whole))
    assert listed.status == 0, listed.err
    for line in ("words.say", "rooms.mine", "accounts.add", str(whole)):
        assert line in listed.out.replace("\n", "")
    broken = write_module(tmp_path / "broken", actions="1 / 0\n")
    listed = await run("module", "list", FOLKMOOT_MODULES=f"{whole},{broken}", FOLKMOOT_MODULES_STRICT="true")
    assert listed.status == 1
    assert "words.say" in listed.out
    assert f"{broken}/actions.py:1" in listed.out
