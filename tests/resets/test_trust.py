"""STARTTLS, against a mail server whose certificate is trusted, and against one whose is not."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from folkmoot.doctor.around import look_at_mail
from folkmoot.mail.letters import reset_letter
from folkmoot.mail.sender import NotSent, check, send
from folkmoot.settings import Settings
from tests.certificates import certify
from tests.postbox import PASSWORD, USER, context_of, knows_us, postbox, text_of
from tests.resets.test_letters import SERVER, mailing

LETTER = reset_letter(server=SERVER, name="Ada", email="ada@example.org", token="fmr_x", lifetime_s=60)


def known(settings: Settings, port: int) -> Settings:
    return mailing(
        settings, port, smtp_host="localhost", smtp_tls="starttls", smtp_user=USER, smtp_password=SecretStr(PASSWORD)
    )


async def test_a_certificate_of_ones_own_is_trusted_when_it_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    its, key = map(str, certify(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", its)
    options: dict[str, Any] = {"tls_context": context_of(its, key), "require_starttls": True}
    async with postbox(**options, authenticator=knows_us, auth_required=True) as box:
        await check(known(settings, box.port))
        assert (await look_at_mail(known(settings, box.port))).ok
        await send(known(settings, box.port), LETTER, "ada@example.org")
        (letter,) = box.to("ada@example.org")
    assert "fmr_x" in text_of(letter)


@pytest.mark.parametrize("trusted", ["nobody", "another"])
async def test_nothing_is_said_to_a_server_that_nobody_vouches_for(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str
) -> None:
    its, key = map(str, certify(tmp_path))
    (tmp_path / "other").mkdir()
    if trusted == "another":
        monkeypatch.setenv("SSL_CERT_FILE", str(certify(tmp_path / "other").its))
    told: list[object] = []

    def listen(server: object, session: object, envelope: object, mechanism: str, data: object) -> object:
        told.append(data)
        return knows_us(server, session, envelope, mechanism, data)  # type: ignore[arg-type]

    options: dict[str, Any] = {"tls_context": context_of(its, key), "require_starttls": True}
    async with postbox(**options, authenticator=listen, auth_required=True) as box:
        with pytest.raises(NotSent, match="certificate") as refused:
            await send(known(settings, box.port), LETTER, "ada@example.org")
        finding = await look_at_mail(known(settings, box.port))
        assert box.letters == told == []
    assert not finding.ok
    assert PASSWORD not in f"{refused.value} {finding}"


async def test_nor_to_one_that_is_vouched_for_under_another_name(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    its, key = map(str, certify(tmp_path, "mail.example.org"))
    monkeypatch.setenv("SSL_CERT_FILE", its)
    async with postbox(tls_context=context_of(its, key), require_starttls=True) as box:
        with pytest.raises(NotSent, match="certificate"):
            await send(known(settings, box.port), LETTER, "ada@example.org")
        assert box.letters == []
