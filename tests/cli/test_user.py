"""Accounts from the command line: what an operator does by hand."""

from pathlib import Path

import httpx
from pydantic import SecretStr

from folkmoot.laptop import Servers
from tests.cli.conftest import Run
from tests.conftest import Start
from tests.people import visiting

PASSWORD = "correct horse battery"


async def sign_in(http: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await http.post("/api/v1.0/user/auth", json={"email": email, "password": password})


async def test_an_account_from_its_beginning_to_its_end(operate: Run, start: Start, empty_database: str) -> None:
    added = await operate("user", "add", "Ada@Example.org", "--name", "Ada [red]L.", given=f"{PASSWORD}\n")
    assert (added.status, added.err) == (0, "")
    assert added.out == "Added Ada [red]L. <ada@example.org> as member.\n"

    made = await operate("user", "add", "root@example.org", "--admin", "--generate")
    assert made.out.startswith("Added root <root@example.org> as admin.\n")
    generated = made.out.splitlines()[1].removeprefix("Password (shown only now): ")
    assert len(generated) >= 16

    async with start(database_url=SecretStr(empty_database)) as node, visiting(node) as http:
        answer = await sign_in(http, "ada@example.org", PASSWORD)
        token = answer.json()["data"]["access_token"]
        assert (await sign_in(http, "root@example.org", generated)).status_code == 200

        changed = await operate("user", "password", "ADA@example.org", given="another password\n")
        assert changed.out == "ADA@example.org has a new password, and is signed out everywhere.\n"
        assert (await sign_in(http, "ada@example.org", PASSWORD)).status_code == 401
        assert (await sign_in(http, "ada@example.org", "another password")).status_code == 200
        gone = await http.get("/api/v1.0/session", headers={"Authorization": f"Bearer {token}"})
        assert gone.status_code == 401

        disabled = await operate("user", "disable", "ada@example.org")
        assert disabled.out == "ada@example.org is disabled.\n"
        assert (await sign_in(http, "ada@example.org", "another password")).status_code == 401

    listed = await operate("user", "list")
    header, ada, root = listed.out.splitlines()
    assert header.split() == ["id", "email", "name", "role", "since", "state"]
    assert ada.split()[1:4] == ["ada@example.org", "Ada", "[red]L."]
    assert ada.split()[-1] == "disabled"
    assert root.split()[-1] == "active"

    narrow = await operate("user", "list", COLUMNS="48")
    assert "…" not in narrow.out
    email = "".join(line[4:20].strip() for line in narrow.out.splitlines()[1:])
    assert email.startswith("ada@example.orgroot@")


async def test_a_mistake_in_the_file_of_services_keeps_no_operator_from_an_account(
    operate: Run, tmp_path: Path
) -> None:
    (tmp_path / "services.yaml").write_text("flask: 1\n")
    wrong = {"FOLKMOOT_SERVICES": str(tmp_path / "services.yaml")}
    assert (await operate("user", "add", "ada@example.org", given=f"{PASSWORD}\n", **wrong)).status == 0
    assert (await operate("user", "disable", "ada@example.org", **wrong)).status == 0
    refused = await operate("serve", "--port", "0", **wrong)
    assert refused.status == 1
    assert "services.yaml:1: flask must be a mapping" in " ".join(refused.err.split())


async def test_what_cannot_be_done_is_one_sentence(operate: Run) -> None:
    await operate("user", "add", "ada@example.org", given=f"{PASSWORD}\n")
    for arguments, given, words in (
        (("user", "add", "ADA@example.org"), PASSWORD, "There is an account with this email address already."),
        (("user", "add", "nonsense"), PASSWORD, "email: Not a valid email address."),
        (("user", "add", "bob@example.org"), "short", "password: Shorter than minimum length 8."),
        (("user", "add", "bob@example.org"), "", "No password came on the standard input. Pipe one in, or make one"),
        (("user", "add", "bob@example.org"), "\n", "make one with --generate."),
        (("user", "password", "ada@example.org"), "", "make one with --generate."),
        (("user", "add", "bob@example.org", "--name", "two\nlines"), PASSWORD, "name: Must not contain line breaks"),
        (("user", "password", "nobody@example.org"), PASSWORD, "There is no account nobody@example.org."),
        (("user", "disable", "[/red]"), "", "There is no account [/red]."),
    ):
        assert words in (await operate(*arguments, given=given)).refusal()
    assert len((await operate("user", "list")).out.splitlines()) == 2


async def test_beside_a_running_laptop_the_same_databases_are_used(run: Run, laptop: tuple[Path, Servers]) -> None:
    data, _ = laptop
    added = await run("user", "add", "ada@example.org", "--generate", "--data", str(data))
    assert added.status == 0, added
    assert "ada@example.org" in (await run("user", "list", FOLKMOOT_DATA=str(data))).out


async def test_a_long_address_is_not_cut_where_it_is_read_by_programs(operate: Run) -> None:
    email = f"{'a' * 50}@example.org"
    added = await operate("user", "add", email, "--name", "N" * 80, "--generate")
    assert added.out.splitlines()[0] == f"Added {'N' * 80} <{email}> as member."
    assert len(added.out.splitlines()) == 2
