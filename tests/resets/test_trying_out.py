"""Having a letter sent to see whether letters arrive: by whom, and to whom."""

import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member, assert_problem, browsing, enrol, enrol_bot, token_of, visiting
from tests.postbox import Postbox
from tests.twofactor.phone import KEYS

PATH = "/api/v1.0/notices/try"


async def sent_to(mailbox: Postbox, email: str) -> list[str]:
    return [str(letter["Subject"]) for letter in mailbox.to(email)]


async def test_an_admin_is_sent_one_and_nobody_else(node: Node, mailbox: Postbox) -> None:
    async with enrol(node, "Root", "admin") as root, enrol(node, "Other", "admin") as other:
        assert (await root.http.post(PATH)).status_code == 204
        await mailbox.wait_for(1, root.email)
        assert await sent_to(mailbox, root.email) == ["A letter from Folkmoot"]
        assert await sent_to(mailbox, other.email) == []


async def test_nobody_else_has_one_sent(node: Node, ada: Member, mailbox: Postbox) -> None:
    async with visiting(node) as visitor, enrol(node, "Root", "admin") as root:
        assert_problem(await visitor.post(PATH), 401, "not_signed_in")
        assert_problem(await ada.http.post(PATH), 403, "forbidden")
        async with token_of(root, "all") as program, enrol_bot(root, "Robot") as bot:
            for http in (program, bot.http):
                assert_problem(await http.post(PATH), 403, "insufficient_scope")
        assert (await root.http.post(PATH)).status_code == 204  # after which theirs would have come
        await mailbox.until(lambda: "A letter from Folkmoot" in [str(one["Subject"]) for one in mailbox.to(root.email)])
        assert "A letter from Folkmoot" not in await sent_to(mailbox, ada.email)


async def test_another_page_has_none_sent(node: Node, mailbox: Postbox) -> None:
    async with enrol(node, "Root", "admin") as root, browsing(node) as browser:
        await browser.sign_in(root.email)
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert (await browser.http.post(PATH, headers=headers)).status_code == 403
        assert (await browser.http.post(PATH)).status_code == 204
        await mailbox.until(lambda: "A letter from Folkmoot" in [str(one["Subject"]) for one in mailbox.to(root.email)])
        assert (await sent_to(mailbox, root.email)).count("A letter from Folkmoot") == 1


async def test_who_is_no_admin_any_more_has_none_sent(node: Node, mailbox: Postbox) -> None:
    async with enrol(node, "Root", "admin") as root, enrol(node, "Other", "admin") as other:
        assert (await other.http.post(f"/api/v1.0/accounts/{root.id}/disable")).status_code == 204
        assert_problem(await root.http.post(PATH), 401, "not_signed_in")
        assert (await other.http.delete("/api/v1.0/session")).status_code == 204
        assert_problem(await other.http.post(PATH), 401, "not_signed_in")
    assert await sent_to(mailbox, root.email) == await sent_to(mailbox, other.email) == []


@pytest.mark.parametrize("given", [{"email": "eve@evil.test"}, {"user_id": 1}, {"to": ["eve@evil.test"]}])
async def test_it_goes_to_whoever_asks_and_no_address_that_is_given(
    node: Node, given: dict[str, object], mailbox: Postbox
) -> None:
    async with enrol(node, "Root", "admin") as root:
        problem = assert_problem(await root.http.post(PATH, json=given), 400, "invalid")
        assert set(problem["errors"]) == set(given)
    assert await sent_to(mailbox, "eve@evil.test") == []


async def test_a_few_at_once_and_then_they_must_wait(start: Start, mailbox: Postbox) -> None:
    mail = {"smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "mail_from": "chat@folkmoot.test"}
    async with (
        start(actions_per_s=1, actions_burst=20, keys=SecretStr(KEYS), **mail) as strict,
        enrol(strict, "Root", "admin") as root,
    ):
        answers = [await root.http.post(PATH) for _ in range(3)]
        assert [answer.status_code for answer in answers[:2]] == [204, 204]
        assert_problem(answers[2], 429, "too_many")


async def test_a_server_without_mail_says_so(start: Start) -> None:
    async with start() as mute, enrol(mute, "Root", "admin") as root:
        assert_problem(await root.http.post(PATH), 503, "mail_missing")
