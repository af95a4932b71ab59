"""Frames as bytes, without a socket."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.realtime.codes import Close
from folkmoot.realtime.frames import Fragments, Violation, answer_to, check_text, read_close, short_reason, text_frame


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f" + struct.pack("!Q", 65_536)),
    ],
)
def test_a_text_frame_has_the_shortest_head(size: int, head: bytes) -> None:
    assert text_frame(b"x" * size) == head + b"x" * size


@given(st.text(), st.lists(st.integers(0, 200)))
def test_fragments_cut_anywhere_are_the_message_again(text: str, cuts: list[int]) -> None:
    message = text.encode()
    places = sorted({min(cut, len(message)) for cut in cuts})
    pieces = [message[a:b] for a, b in zip([0, *places], [*places, len(message)], strict=True)]
    fragments = Fragments(is_text=True, limit=len(message))
    assert all(fragments.add(piece, is_last=False) is None for piece in pieces[:-1])
    assert fragments.add(pieces[-1], is_last=True) == message


@given(st.binary())
def test_text_is_what_python_can_decode(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError:
        with pytest.raises(Violation) as refused:
            check_text(payload)
        assert refused.value.close.code == 1007
    else:
        check_text(payload)


def test_wrong_text_is_refused_at_its_first_wrong_byte() -> None:
    fragments = Fragments(is_text=True, limit=100)
    assert fragments.add("ü".encode()[:1], is_last=False) is None
    with pytest.raises(Violation) as refused:
        fragments.add(b"x", is_last=False)
    assert refused.value.close.code == 1007


def test_text_that_ends_inside_a_character_is_refused() -> None:
    with pytest.raises(Violation):
        Fragments(is_text=True, limit=100).add("ü".encode()[:1], is_last=True)


def test_fragments_together_have_the_limit_of_a_frame() -> None:
    fragments = Fragments(is_text=False, limit=10)
    fragments.add(b"\xff" * 9, is_last=False)
    fragments.add(b"", is_last=False)
    with pytest.raises(Violation) as refused:
        fragments.add(b"\xff\xff", is_last=True)
    assert refused.value.close.code == 1009


@given(st.text(max_size=200))
def test_a_reason_fits_into_a_control_frame(reason: str) -> None:
    short = short_reason(Close(3000, reason))
    assert len(short) <= 123
    assert reason.startswith(short.decode())


@given(st.integers(0, 65_535))
def test_a_close_code_is_one_that_may_be_sent(code: int) -> None:
    legal = code in {1000, 1001, 1002, 1003, *range(1007, 1015)} or 3000 <= code <= 4999
    payload = code.to_bytes(2, "big") + b"why"
    if legal:
        close = read_close(payload)
        assert close == Close(code, "why")
        assert answer_to(close) == Close(code, "")
    else:
        with pytest.raises(Violation) as refused:
            read_close(payload)
        assert refused.value.close.code == 1002


def test_a_close_without_a_code_is_answered_with_1000() -> None:
    assert answer_to(read_close(b"")) == Close(1000, "")


@pytest.mark.parametrize(("payload", "code"), [(b"\x03", 1002), (b"\x03\xe8\xff", 1007)])
def test_a_close_that_is_wrong_is_refused(payload: bytes, code: int) -> None:
    with pytest.raises(Violation) as refused:
        read_close(payload)
    assert refused.value.close.code == code
