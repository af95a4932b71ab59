"""Bots from the command line."""

from pydantic import SecretStr

from tests.cli.conftest import Run
from tests.conftest import Start
from tests.people import assert_problem, visiting


async def test_a_bot_is_made_with_a_token_that_does_what_was_said(
    operate: Run, start: Start, empty_database: str
) -> None:
    made = await operate("bot", "add", "Weather", "--scope", "rooms", "--scope", "messages.send")
    assert (made.status, made.err) == (0, "")
    first, second = made.out.splitlines()
    assert first == "Added the bot Weather."
    token = second.removeprefix("Token (shown only now): ")
    async with start(database_url=SecretStr(empty_database)) as node, visiting(node, token) as http:
        assert (await http.get("/api/v1.0/rooms")).json() == {"rooms": []}
        assert_problem(await http.get("/api/v1.0/session"), 403, "insufficient_scope")


async def test_a_bot_that_would_have_no_token_is_not_made(operate: Run) -> None:
    for arguments, words in (
        (("--scope", "messages.shout"), "There is no module or action messages.shout."),
        (("--days", "400"), "days: At most 366."),
        (("--days", "0"), "days: At least 1."),
    ):
        refused = await operate("bot", "add", "Weather", *arguments)
        assert refused.status == 1
        assert words in " ".join(refused.err.split())
    assert "Weather" not in (await operate("user", "list")).out
