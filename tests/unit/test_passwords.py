"""Password hashes: the old format to the letter, and no stored text that lets somebody in by accident."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.errors import Busy
from folkmoot.modules.accounts import passwords as passwords_module
from folkmoot.modules.accounts.passwords import HASHER, MOST_PBKDF2_ROUNDS, NICENESS, NOBODYS, Passwords, _fits
from tests.http.test_passwords import pbkdf2

# Published examples of the format, from the documentation and the tests of passlib.
KNOWN = "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(workers=1, queue=1, wait_s=10.0)
    yield made
    made.close()


KNOWN_PASSWORD = "toomanysecrets"
OTHER = "$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ"


def test_a_known_hash_of_the_old_format_fits_its_password_and_no_other() -> None:
    assert _fits(KNOWN, KNOWN_PASSWORD)
    assert _fits(OTHER, "password")
    for password in ("Toomanysecrets", "toomanysecrets ", "toomanysecret", "", "password"):
        assert not _fits(KNOWN, password)


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "password",
        "$pbkdf2-sha256$",
        "$pbkdf2-sha256$29000$abc",
        "$pbkdf2-sha256$0$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
        "$pbkdf2-sha256$-1$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
        f"$pbkdf2-sha256${MOST_PBKDF2_ROUNDS + 1}$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
        f"$pbkdf2-sha256${'9' * 5000}$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A",
        "$pbkdf2-sha256$29000$!!!$1t8iyB2A",
        "$pbkdf2-sha256$1$$",
        "$pbkdf2-sha256$1$c2FsdA$",
        "$pbkdf2-sha256$1$c2FsdA$é",
        "$argon2id$",
        "$argon2id$v=19$m=19456,t=2,p=1$",
        "$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
    ],
)
def test_a_damaged_hash_fits_nothing(damaged: str) -> None:
    for password in ("password", "", damaged):
        assert not _fits(damaged, password)


@settings(max_examples=30, deadline=None)
@given(password=st.text(max_size=40), salt=st.binary(min_size=0, max_size=40))
def test_a_hash_of_the_old_format_fits_whatever_the_password_and_the_salt(password: str, salt: bytes) -> None:
    try:
        stored = pbkdf2(password, rounds=2, salt=salt)
    except UnicodeEncodeError:
        return
    assert _fits(stored, password)
    assert not _fits(stored, password + "x")


async def test_without_an_account_nothing_fits(passwords: Passwords) -> None:
    assert _fits(NOBODYS, "nobody has this password")
    assert not HASHER.check_needs_rehash(NOBODYS), "or it would not take as long as the others"
    assert not await passwords.verify(None, "nobody has this password")


async def test_any_text_can_be_a_password(passwords: Passwords) -> None:
    for password in ("correct horse battery", "\ud800 half a character", "長い鍵 🗝", "x" * 256):
        assert await passwords.verify(await passwords.hash(password), password)


async def test_past_its_queue_it_is_busy_and_then_goes_on(passwords: Passwords) -> None:
    results = await asyncio.gather(*(passwords.hash("x") for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results].count(Busy) == 3
    assert await passwords.hash("x")


async def test_whose_turn_does_not_come_in_time_is_told_so_and_takes_no_place() -> None:
    made = Passwords(workers=1, queue=1, wait_s=0.2)
    goes_on = threading.Event()
    try:
        slow = asyncio.create_task(made._off_the_loop(lambda: goes_on.wait(timeout=10)))
        await asyncio.sleep(0)
        with pytest.raises(Busy) as raised:
            await made.hash("x")
        assert raised.value.temporary
        async with asyncio.timeout(5):
            while made.running > 1:
                await asyncio.sleep(0)
        assert (made.running, made.refused) == (1, 1)
        goes_on.set()
        assert await slow, "what has begun is waited for, however long it takes"
        assert await made.hash("x")
    finally:
        goes_on.set()
        made.close()


def test_which_hashes_are_rewritten() -> None:
    assert Passwords.is_outdated(KNOWN)
    assert Passwords.is_outdated("$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHQ$aGFzaA")
    assert not Passwords.is_outdated(HASHER.hash("x"))


async def test_hashing_gives_way_to_the_conversation(passwords: Passwords) -> None:
    own = os.nice(0)
    there = await passwords._off_the_loop(lambda: os.nice(0))
    assert there == (min(19, own + NICENESS) if sys.platform == "linux" else own)
    assert os.nice(0) == own


async def test_no_more_are_checked_at_once_than_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords_module, "_cores", lambda: 2)
    made = Passwords(workers=8, queue=0, wait_s=10.0)
    meeting = threading.Barrier(2)  # two run at once, or none would ever end
    names: set[str] = set()

    def work() -> None:
        names.add(threading.current_thread().name)
        meeting.wait(timeout=10)

    try:
        await asyncio.gather(*(made._off_the_loop(work) for _ in range(8)))
    finally:
        made.close()
    assert len(names) == 2
