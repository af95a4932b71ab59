"""The second factor from the command line: keys, a lost phone, and codes in a terminal."""

import asyncio
import base64
import signal
import time

from pydantic import SecretStr

from folkmoot.authenticator import codes_from_now, read_secret
from folkmoot.keys import new_key, read_keys
from tests.cli.conftest import Run
from tests.cli.words import COMMAND, environment
from tests.conftest import Start
from tests.people import assert_problem, enrol, visiting
from tests.twofactor.phone import challenge_of, code_of, first_step, turn_on

SECRET = base64.b32encode(b"12345678901234567890").decode()


async def test_a_lost_phone(operate: Run, start: Start, empty_database: str) -> None:
    assert (await operate("user", "add", "root@example.org", "--admin", "--generate")).status == 0
    node_with_keys = start(database_url=SecretStr(empty_database), keys=SecretStr(new_key()))
    async with node_with_keys as node, enrol(node, "Ada") as ada, visiting(node) as http:
        careful = await turn_on(ada)
        changed = await operate("user", "password", ada.email, given="correct horse battery\n")
        assert changed.status == 0
        assert_problem(await first_step(http, ada.email), 401, "second_factor_needed")
        said = await operate("user", "reset-second-factor", ada.email)
        assert said.out == f"{ada.email} has no second factor any more, and is signed out everywhere.\n"
        assert_problem(await careful.http.get("/api/v1.0/session"), 401, "not_signed_in")
        assert (await first_step(http, ada.email)).status_code == 200
        again = await operate("user", "reset-second-factor", ada.email)
        assert again.out == f"{ada.email} has no second factor.\n"
    refused = await operate("user", "reset-second-factor", "nobody@example.org")
    assert "There is no account nobody@example.org" in refused.refusal()


async def test_keys_are_changed_over(operate: Run, start: Start, empty_database: str) -> None:
    assert (await operate("user", "add", "root@example.org", "--admin", "--generate")).status == 0
    made = [(await operate("keys", "new")).out.strip() for _ in range(2)]
    old, new = made
    assert len(read_keys(" ".join(made))) == 2
    new_id = new.partition(":")[0]
    async with (
        start(database_url=SecretStr(empty_database), keys=SecretStr(f"{old} {new}")) as node,
        enrol(node, "Ada") as ada,
        visiting(node) as http,
    ):
        careful = await turn_on(ada)
        said = await operate("keys", "rotate", FOLKMOOT_KEYS=f"{new} {old}")
        assert said.out == f"1 locked anew. Everything is locked with the key {new_id}.\n"
        again = await operate("keys", "rotate", FOLKMOOT_KEYS=new)
        assert again.out == f"0 locked anew. Everything is locked with the key {new_id}.\n"
        given = {"challenge": await challenge_of(node, ada.email), "code": careful.phone.code()}
        assert (await http.post("/api/v1.0/user/auth/code", json=given)).status_code == 200
        missing = await operate("keys", "rotate", FOLKMOOT_KEYS=old.replace(old.partition(":")[0], "other"))
        assert f"The key {new_id} is not among those of this server" in missing.refusal()
    assert "no key for secrets" in (await operate("keys", "rotate")).refusal()


async def test_codes_in_a_terminal(run: Run) -> None:
    for given in (
        SECRET,
        SECRET.lower(),
        f" {SECRET[:4]} {SECRET[4:]} ",
        f"otpauth://totp/A:b?secret={SECRET}&issuer=A",
    ):
        before = int(time.time() // 30)
        said = await run("totp", "--once", given=f"{given}\n")
        assert said.status == 0, said
        assert said.out.strip() in {code_of(SECRET, step) for step in range(before, int(time.time() // 30) + 1)}
        assert SECRET not in said.out + said.err


async def test_what_is_no_secret_is_one_sentence(run: Run) -> None:
    for given in ("", "0189", "otpauth://hotp/x?secret=AAAA", f"otpauth://totp/x?secret={SECRET}&digits=8"):
        said = await run("totp", "--once", given=f"{given}\n")
        words = said.refusal()
        assert "no secret" in words or "cannot show such codes" in words


def test_each_code_is_shown_once_as_soon_as_it_is_one() -> None:
    now, slept = 59.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds / 2 + 0.02  # a clock that wakes us too early

    shown = codes_from_now(read_secret(SECRET), clock=lambda: now, sleep=sleep)
    assert [next(shown) for _ in range(4)] == [code_of(SECRET, step) for step in (1, 2, 3, 4)]
    assert all(seconds > 0 for seconds in slept)


async def test_it_goes_on_until_it_is_interrupted() -> None:
    """The first code is there at once, for whoever reads a line at a time."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "totp", env=environment(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{SECRET}\n".encode())
    assert len((await process.stdout.readline()).strip()) == 6
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
