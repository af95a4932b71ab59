"""Keys: what is locked opens with its own key, for its own account, and with nothing else."""

import asyncio
import base64
from pathlib import Path

import pytest
from pydantic import SecretStr

from folkmoot.errors import CommandFailed, KeyMissing
from folkmoot.kept_keys import with_kept_keys
from folkmoot.keys import Keys, Locked, new_key, read_keys
from folkmoot.settings import BadSettings, load_settings

ONE, TWO = b"1" * 32, b"2" * 32
SHORT = "id:" + base64.b64encode(b"1" * 31).decode()


def test_what_is_locked_opens_again_and_never_looks_alike() -> None:
    keys = Keys({"a": ONE})
    boxes = {keys.lock(b"secret", "totp:1").box for _ in range(50)}
    assert len(boxes) == 50
    assert all(keys.unlock(Locked("a", box), "totp:1") == b"secret" for box in boxes)
    assert all(b"secret" not in box for box in boxes)


def test_a_box_opens_for_its_own_account_alone() -> None:
    keys = Keys({"a": ONE})
    locked = keys.lock(b"secret", "totp:1")
    with pytest.raises(KeyMissing):
        keys.unlock(locked, "totp:2")


def test_a_box_that_was_touched_does_not_open() -> None:
    keys = Keys({"a": ONE})
    box = keys.lock(b"secret", "totp:1").box
    for place in range(len(box)):
        touched = bytes(byte ^ (1 if place == number else 0) for number, byte in enumerate(box))
        with pytest.raises(KeyMissing):
            keys.unlock(Locked("a", touched), "totp:1")


def test_the_first_key_locks_and_all_unlock() -> None:
    old = Keys({"a": ONE}).lock(b"secret", "totp:1")
    keys = Keys({"b": TWO, "a": ONE})
    assert keys.unlock(old, "totp:1") == b"secret"
    new = keys.lock(b"secret", "totp:1")
    assert new.key_id == "b"
    with pytest.raises(KeyMissing, match="The key b is not among those"):
        Keys({"a": ONE}).unlock(new, "totp:1")
    with pytest.raises(KeyMissing, match="another one"):
        Keys({"b": ONE}).unlock(new, "totp:1")


def test_without_a_key_nothing_is_locked() -> None:
    with pytest.raises(KeyMissing, match="FOLKMOOT_KEYS"):
        Keys({}).lock(b"secret", "totp:1")


def test_keys_are_read_however_they_are_set_apart() -> None:
    made = [new_key() for _ in range(3)]
    assert len({key.partition(":")[0] for key in made}) == 3
    for text in (" ".join(made), ",".join(made), "\n".join(made) + "\n", ", ".join(made)):
        assert list(read_keys(text)) == [key.partition(":")[0] for key in made]
    assert {len(key) for key in read_keys(" ".join(made)).values()} == {32}


@pytest.mark.parametrize("wrong", ["nonsense", "id1:", "id:AAAA", SHORT, ":" + SHORT[3:], "a b:c", "id:!!!!", "id:a=="])
def test_what_is_no_key_is_refused_without_repeating_it(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="id") as refused:
        read_keys(wrong)
    assert wrong not in str(refused.value)
    monkeypatch.setenv("FOLKMOOT_KEYS", wrong)
    with pytest.raises(BadSettings, match="FOLKMOOT_KEYS: each must read id:key"):
        load_settings()


def test_the_same_id_twice_is_refused() -> None:
    key = new_key()
    with pytest.raises(ValueError, match="twice"):
        read_keys(f"{key} {key}")


def test_keys_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys").write_text(f"{new_key()}\n{new_key()}\n")
    monkeypatch.setenv("FOLKMOOT_KEYS_FILE", str(tmp_path / "keys"))
    assert len(read_keys(load_settings().keys.get_secret_value())) == 2


def test_a_laptop_makes_its_key_once_for_nobody_else_to_read(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "data")
    assert with_kept_keys(settings, make=False).keys.get_secret_value() == ""
    assert not (tmp_path / "data").exists()
    made = with_kept_keys(settings, make=True).keys
    file = tmp_path / "data" / "keys"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(read_keys(made.get_secret_value())) == 1
    assert with_kept_keys(settings, make=True).keys == made
    assert with_kept_keys(settings, make=False).keys == made
    assert [path.name for path in file.parent.iterdir()] == ["keys"]


async def test_starts_at_the_same_time_make_one_key(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path)
    made = await asyncio.gather(*(asyncio.to_thread(with_kept_keys, settings, make=True) for _ in range(20)))
    assert len({one.keys.get_secret_value() for one in made}) == 1


def test_keys_that_are_set_go_before_the_file(tmp_path: Path) -> None:
    given = SecretStr(new_key())
    assert with_kept_keys(load_settings(data=tmp_path, keys=given), make=True).keys == given
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("nonsense")
    with pytest.raises(CommandFailed, match="Cannot read"):
        with_kept_keys(load_settings(data=tmp_path), make=True)
