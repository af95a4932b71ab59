"""What letters say and hold, and how they reach a mail server, or do not."""

import asyncio
from datetime import UTC, datetime
from email.headerregistry import Address

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.doctor.around import look_at_mail
from folkmoot.mail.addresses import read_sender, recipient
from folkmoot.mail.device import device_of
from folkmoot.mail.letter import as_html, as_text, write
from folkmoot.mail.letters import notice_letter, reset_letter
from folkmoot.mail.sender import NeverSent, NotSent, check, send
from folkmoot.mail.words import WORDS
from folkmoot.settings import BadSettings, Settings, load_settings
from tests.people import PASSWORD, Member, assert_problem, browsing, enrol
from tests.postbox import PASSWORD as SMTP_PASSWORD
from tests.postbox import USER, Postbox, html_of, knows_us, postbox, text_of
from tests.resets.conftest import Forgetful

SERVER = "https://chat.example.org"
EVIL = 'Eve\r\nBcc: eve@evil.test\r\n\r\n<a href="http://evil.test">click</a>{email}'


def letter_to(name: str) -> str:
    letter = reset_letter(server=SERVER, name=name, email="ada@example.org", token="fmr_x", lifetime_s=1800)
    return write(letter, Address("Chat", addr_spec="chat@example.org"), recipient("ada@example.org")).as_string()


def test_nothing_in_a_name_is_a_header_a_line_or_markup() -> None:
    letter = reset_letter(server=SERVER, name=EVIL, email="ada@example.org", token="fmr_x", lifetime_s=1800)
    assert "<a href" not in as_html(letter).replace(f'href="{SERVER}/reset#fmr_x"', "").replace("<a style", "")
    assert "&lt;a href=" in as_html(letter)
    assert as_text(letter).splitlines()[0].startswith("Hello Eve  Bcc: eve@evil.test")
    head, blank, _ = letter_to(EVIL).replace("\r\n", "\n").partition("\n\n")
    assert blank
    assert "evil" not in head


@pytest.mark.parametrize("email", ["", "nobody", "@example.org", "a@b.org\r\nBcc: c@d.org", "a\n@b.org", "a\x00@b.org"])
def test_what_is_no_address_is_written_to_nobody(email: str) -> None:
    with pytest.raises(ValueError, match=r"address|CR or LF|line"):
        write(
            reset_letter(server=SERVER, name="Ada", email=email, token="x", lifetime_s=60),
            Address("", addr_spec="chat@example.org"),
            recipient(email),
        )


def test_names_of_other_alphabets_are_spelled_for_every_server() -> None:
    assert recipient("ada@bücher.example").addr_spec == "ada@xn--bcher-kva.example"
    assert recipient("ada@straße.example").addr_spec == "ada@xn--strae-oqa.example", "and not another domain"


@pytest.mark.parametrize("written", ["nonsense", "a@b.org, c@d.org", "Chat <>", "a@b.org\r\nBcc: c@d.org"])
def test_the_sender_must_be_one_address(written: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        read_sender(written)
    with pytest.raises(BadSettings, match="FOLKMOOT_MAIL_FROM"):
        load_settings(api_mode="dev", mail_from=written)


def test_a_server_needs_a_sender_and_a_user_a_password() -> None:
    with pytest.raises(BadSettings, match="FOLKMOOT_MAIL_FROM must be set"):
        load_settings(api_mode="dev", smtp_host="mail.example.org")
    with pytest.raises(BadSettings, match="go together"):
        load_settings(api_mode="dev", smtp_user="folkmoot")


def test_both_forms_say_the_same() -> None:
    for notice in WORDS["en"]["notices"]:
        letter = notice_letter(
            notice, server=SERVER, name="Ada", email="ada@example.org", address="192.0.2.1", at=datetime.now(UTC)
        )
        for sentence in (*letter.before, *letter.after):
            assert sentence in as_text(letter)
        assert "{" not in as_text(letter)
        assert as_html(letter).count("<p") == len(letter.before) + len(letter.after) + 1


def test_a_device_is_named_in_words_of_ours() -> None:
    assert device_of("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0") == "Firefox on Linux"
    assert device_of("<script>alert(1)</script>") == ""


async def test_a_letter_is_whole(forgetful: Forgetful) -> None:
    token = await forgetful.link()
    letter = forgetful.letters[-1]
    assert letter["From"] == "Folkmoot <chat@folkmoot.test>"
    assert letter["To"] == forgetful.member.email
    assert letter["Subject"] == "Choose a new password for folkmoot.test"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].endswith("@folkmoot.test>")
    assert "fmr_" not in str(letter["Message-ID"])
    assert token in html_of(letter)
    assert text_of(letter).startswith("Hello Ada,\n")


async def test_what_changes_about_an_account_is_told(forgetful: Forgetful, node: Node, ada: Member) -> None:
    assert (await ada.http.post("/api/v1.0/tokens", json={"name": "A", "scopes": ["all"]})).status_code == 201
    async with browsing(node) as first, browsing(node) as second:
        await first.sign_in(ada.email)
        await first.sign_in(ada.email)
        await second.sign_in(ada.email)
        given = {"password": PASSWORD, "new_password": "something else entirely"}
        assert (await first.http.put("/api/v1.0/session/password", json=given)).status_code == 200
        assert_problem(await second.http.get("/api/v1.0/session"), 401, "not_signed_in")
    expected = ["A new access token", "A new sign-in to your account", "Your password was changed"]
    letters = await forgetful.box.wait_for(3, ada.email)
    assert sorted(str(letter["Subject"]) for letter in letters) == expected
    assert all("from the address 127.0.0.1" in text_of(letter) for letter in letters)


async def test_an_admin_sees_whether_letters_arrive(node: Node, ada: Member, mailbox: Postbox) -> None:
    assert_problem(await ada.http.post("/api/v1.0/notices/try"), 403, "forbidden")
    async with enrol(node, "Root", "admin") as root:
        assert (await root.http.post("/api/v1.0/notices/try")).status_code == 204
        (letter,) = await mailbox.wait_for(1, root.email)
    assert letter["Subject"] == "A letter from Folkmoot"


async def test_what_the_server_does_not_take_now_is_tried_again(forgetful: Forgetful) -> None:
    box, tries = forgetful.box, forgetful.box.tries
    box.answer = "451 Later"
    try:
        await forgetful.ask()
        await box.until(lambda: box.tries >= tries + 2)
    finally:
        box.answer = "250 Thanks"
    await box.until(lambda: forgetful.letters)


async def test_what_it_will_never_take_is_given_up(
    forgetful: Forgetful, rows: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    box, tries = forgetful.box, forgetful.box.tries
    box.answer = "550 Never"
    try:
        await forgetful.ask()
        failed = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'resets.send' AND status = 'failed'"
        async with asyncio.timeout(20):
            while not await rows.fetchval(failed):
                await asyncio.sleep(0.02)
    finally:
        box.answer = "250 Thanks"
        await rows.execute("DELETE FROM procrastinate_jobs WHERE status = 'failed'")
    assert box.tries == tries + 1


def mailing(settings: Settings, port: int, **changes: object) -> Settings:
    given = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none", "mail_from": "chat@folkmoot.test"}
    return settings.model_copy(update={**given, **changes})


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # of the server, which is on loopback
async def test_the_server_is_told_who_we_are(settings: Settings) -> None:
    letter = reset_letter(server=SERVER, name="Ada", email="ada@example.org", token="x", lifetime_s=60)
    async with postbox(authenticator=knows_us, auth_required=True, auth_require_tls=False) as box:
        known = mailing(settings, box.port, smtp_user=USER, smtp_password=SecretStr(SMTP_PASSWORD))
        await send(known, letter, "ada@example.org")
        assert len(box.to("ada@example.org")) == 1
        assert (await look_at_mail(known)).ok
        wrong = mailing(settings, box.port, smtp_user=USER, smtp_password=SecretStr("wrong"))
        with pytest.raises(NotSent) as refused:
            await check(wrong)
        assert "wrong" not in str(refused.value)
        assert not (await look_at_mail(wrong)).ok


async def test_nothing_goes_to_a_server_that_speaks_in_the_clear(settings: Settings) -> None:
    letter = reset_letter(server=SERVER, name="Ada", email="ada@example.org", token="x", lifetime_s=60)
    async with postbox() as box:
        for tls in ("starttls", "tls"):
            with pytest.raises(NotSent):
                await send(mailing(settings, box.port, smtp_tls=tls), letter, "ada@example.org")
        assert box.letters == []


async def test_a_server_that_is_away_and_an_address_that_is_none(settings: Settings, free_port: int) -> None:
    letter = reset_letter(server=SERVER, name="Ada", email="x", token="x", lifetime_s=60)
    with pytest.raises(NotSent):
        await send(mailing(settings, free_port), letter, "ada@example.org")
    with pytest.raises(NeverSent):
        await send(mailing(settings, free_port), letter, "a@b.org\r\nBcc: c@d.org")
    assert (await look_at_mail(settings)).ok, "no mail is well, too"
