"""Codes by the letter of RFC 4226 and RFC 6238, and how they are told."""

import base64
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some

from folkmoot.modules.twofactor import codes
from tests.twofactor.phone import code_of

SECRET = b"12345678901234567890"
HOTP = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
TOTP = {  # of eight digits, of which apps show the last six
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


@pytest.mark.parametrize(("step", "code"), list(enumerate(HOTP)))
def test_the_vectors_of_rfc_4226(step: int, code: str) -> None:
    assert codes.code_at(SECRET, step) == code
    assert code_of(base64.b32encode(SECRET).decode(), step) == code, "the app of these tests is another one, and right"


@pytest.mark.parametrize(("now_s", "code"), list(TOTP.items()))
def test_the_vectors_of_rfc_6238(now_s: int, code: str) -> None:
    assert codes.code_at(SECRET, now_s // codes.STEP_S) == code[2:]
    assert codes.step_of(SECRET, code[2:], now_s) == now_s // codes.STEP_S


@pytest.mark.parametrize(("off", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
@pytest.mark.parametrize("now_s", [119.999, 1_111_111_110.0, 1_234_567_890.5])
def test_a_clock_may_be_half_a_minute_off_and_no_more(off: int, counts: bool, now_s: float) -> None:
    step = int(now_s // 30) + off
    assert codes.step_of(SECRET, codes.code_at(SECRET, step), now_s) == (step if counts else None)


@given(secret=some.binary(min_size=20, max_size=20), step=some.integers(2, 2**40))
def test_every_app_shows_the_same(secret: bytes, step: int) -> None:
    code = code_of(codes.spelled(secret), step)
    assert codes.code_at(secret, step) == code
    assert codes.step_of(secret, code, step * 30) in (step - 1, step, step + 1)


@pytest.mark.parametrize("given", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "½23456", "      ", "\x00" * 6])
def test_what_is_no_time_code(given: str) -> None:
    assert not codes.is_time_code(given)
    assert codes.step_of(SECRET, given, 59) is None


def test_codes_are_compared_as_people_write_them() -> None:
    assert codes.plain(" 287 082\n") == "287082"
    made = codes.new_recovery_codes()
    for code in made:
        written = (code.upper(), code.replace("-", ""), code.replace("-", " "), f" {code}\t")
        assert {codes.hash_recovery_code(one) for one in written} == {codes.hash_recovery_code(code)}


def test_secrets_and_recovery_codes_are_as_long_as_they_must_be() -> None:
    secrets = {codes.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {20}, "160 bits"
    made = [code for _ in range(10) for code in codes.new_recovery_codes()]
    assert len(set(made)) == 100
    for code in made:
        assert re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){5}", code), "24 letters of 5 bits are 120 bits"


def test_the_address_says_all_that_an_app_must_know() -> None:
    address = codes.address_of(SECRET, issuer="Folkmoot (chat.example.org)", account="ada+x@example.org")
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Folkmoot (chat.example.org):ada+x@example.org"
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert query.pop("secret") == base64.b32encode(SECRET).decode()
    assert query.pop("issuer") == "Folkmoot (chat.example.org)"
    defaults = {"digits": "6", "period": "30", "algorithm": "SHA1"}
    assert all(defaults[name] == value for name, value in query.items())


def test_the_picture_is_an_svg_that_needs_nobody_else() -> None:
    picture = codes.picture_of(codes.address_of(SECRET, issuer="Folkmoot (localhost)", account="ada@example.org"))
    kind, _, drawn = picture.partition(",")
    assert kind.startswith("data:image/svg+xml")
    drawn = unquote(drawn)
    assert "<svg" in drawn
    assert "script" not in drawn
    assert "#fff" in drawn, "cameras want it dark on white, also where the page is dark"
