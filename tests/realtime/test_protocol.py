"""Bytes to commands and back: no sockets here."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.realtime import codes, protocol
from folkmoot.realtime.protocol import BadFrame, Publish, Refusal, Rpc, Since, Subscribe, read_frame

REQUESTS = (
    "connect",
    "subscribe",
    "unsubscribe",
    "publish",
    "history",
    "presence",
    "presence_stats",
    "rpc",
    "send",
    "refresh",
    "sub_refresh",
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def one(line: str | bytes) -> tuple[int, str, Any]:
    (command,) = read_frame(line if isinstance(line, bytes) else line.encode())
    return command


@pytest.mark.parametrize("name", REQUESTS)
def test_each_command_is_read_with_its_id_and_name(name: str) -> None:
    command_id, read, _ = one(json.dumps({"id": 7, name: {}}))
    assert (command_id, read) == (7, name)


def test_a_frame_holds_many_commands_in_order() -> None:
    frame = b"\n".join(b'{"id":%d,"presence":{"channel":"room:1"}}' % number for number in range(1, 100))
    assert [command_id for command_id, _, _ in read_frame(frame)] == list(range(1, 100))


def test_pongs_and_empty_lines_are_no_commands() -> None:
    assert read_frame(b"") == []
    assert read_frame(b"{}") == []
    assert [name for _, name, _ in read_frame(b'{}\n\n{"id":1,"rpc":{}}\n{}\n')] == ["rpc"]


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        "[]",
        "null",
        "1",
        '"{}"',
        "{",
        '{"id":1}',
        '{"id":1,"nothing":{}}',
        '{"connect":{}}',
        '{"id":0,"connect":{}}',
        '{"id":-1,"connect":{}}',
        '{"id":4294967296,"connect":{}}',
        '{"id":1.5,"connect":{}}',
        '{"id":"1","connect":{}}',
        '{"id":true,"connect":{}}',
        '{"id":1,"connect":{},"rpc":{}}',
        '{"id":1,"connect":[]}',
        '{"id":1,"connect":{"token":1}}',
        '{"id":1,"subscribe":{"channel":null}}',
        '{"id":1,"subscribe":{"channel":"a","offset":-1}}',
        '{"id":1,"history":{"channel":"a","since":{"offset":-1}}}',
        '{"id":1,"connect":{}} {"id":2,"rpc":{}}',
        '{"id":1,"rpc":{"data":NaN}}',
        '{"id":1,"connect":{}}\x00',
        "﻿{}",
    ],
)
def test_what_is_not_one_command_a_line_is_no_frame(line: str) -> None:
    with pytest.raises(BadFrame):
        read_frame(line.encode())


def test_one_bad_line_spoils_the_frame() -> None:
    with pytest.raises(BadFrame):
        read_frame(b'{"id":1,"rpc":{"method":"rooms.mine"}}\nhello')


def test_ids_reach_to_the_end_of_uint32_and_send_needs_none() -> None:
    assert one('{"id":4294967295,"rpc":{}}')[0] == 2**32 - 1
    assert one('{"send":{"data":1}}')[:2] == (0, "send")


@pytest.mark.parametrize("opening", [b'{"id":1,"rpc":{"data":', b'{"x":', b""])
def test_json_that_is_nested_without_end_is_refused_and_not_followed(opening: bytes) -> None:
    for brackets in (b"[", b'{"a":'):
        with pytest.raises(BadFrame):
            read_frame(opening + brackets * 30_000)
    with pytest.raises(BadFrame):
        read_frame(opening + b"[" * 30_000 + b"]" * 30_000 + b"}}")


def test_fields_we_do_not_know_are_the_business_of_newer_clients() -> None:
    assert one('{"id":1,"subscribe":{"channel":"room:1","flag":1,"tf":{"a":[1]}},"extra":9}')[2] == Subscribe("room:1")


def test_recovery_is_asked_for_by_name() -> None:
    assert Subscribe("room:1", offset=5, epoch="e").since is None
    assert Subscribe("room:1", recover=True, offset=5, epoch="e").since == Since(5, "e")


@given(data=json_values)
def test_data_passes_as_it_came(data: object) -> None:
    line = json.dumps({"id": 1, "publish": {"channel": "c", "data": data}})
    request = one(line)[2]
    assert isinstance(request, Publish)
    assert json.loads(bytes(request.data)) == data


@given(frame=st.binary(max_size=300))
def test_any_bytes_are_commands_or_a_bad_frame(frame: bytes) -> None:
    _read_or_refuse(frame)


@given(
    line=st.dictionaries(st.sampled_from(("id", *REQUESTS)), json_values, max_size=3),
    cut=st.integers(0, 60),
    junk=st.binary(max_size=4),
)
def test_anything_like_a_command_is_one_or_a_bad_frame(line: dict[str, object], cut: int, junk: bytes) -> None:
    encoded = json.dumps(line).encode()
    _read_or_refuse(encoded)
    _read_or_refuse(encoded[:cut] + junk + encoded[cut:])


def _read_or_refuse(frame: bytes) -> None:
    try:
        commands = read_frame(frame)
    except BadFrame:
        return
    for command_id, name, request in commands:
        assert name in REQUESTS
        assert isinstance(request, msgspec.Struct)
        assert 0 < command_id < 2**32 or (command_id == 0 and name == "send")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (r"\ud83d", "\ufffd"),
        (r"\uDE00!", "\ufffd!"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\\\ud83d", "\\\ufffd"),
        (r"\\ud83d \ud83d", "\\ud83d \ufffd"),
        (r"\"\ud83dA", '"\ufffdA'),
    ],
)
def test_half_of_a_character_is_replaced_and_the_rest_stays(sent: str, read: str) -> None:
    request = one(f'{{"id":1,"rpc":{{"method":"messages.send","data":{{"body":"{sent}"}}}}}}')[2]
    assert isinstance(request, Rpc)
    assert json.loads(bytes(request.data)) == {"body": read}


def test_a_refusal_says_whether_to_try_again() -> None:
    assert json.loads(protocol.refusal(3, Refusal(102, "unknown channel"))) == {
        "id": 3,
        "error": {"code": 102, "message": "unknown channel"},
    }
    assert json.loads(protocol.refusal(3, protocol.TooMany()))["error"]["temporary"] is True


@given(data=json_values, offset=st.integers(0, 2**63 - 1))
def test_a_push_is_one_line_with_offset_data_and_who(data: object, offset: int) -> None:
    try:
        encoded = protocol.publication(data, offset=offset, user="3", client="c")
    except OverflowError:  # numbers that JSON has and MessagePack has not
        return
    line = protocol.publication_push('room:"7"\n', encoded)
    assert b"\n" not in line
    push = json.loads(line)["push"]
    assert push["channel"] == 'room:"7"\n'
    assert push["pub"]["data"] == data
    assert push["pub"].get("offset", 0) == offset
    assert push["pub"]["info"] == {"user": "3", "client": "c"}


def test_a_subscription_tells_its_position_and_what_was_missed() -> None:
    result = protocol.subscribed(
        epoch="e", offset=5, was_recovering=True, recovered=True, publications=[b'{"offset":5,"data":1}']
    )
    assert json.loads(protocol.reply(1, "subscribe", result)) == {
        "id": 1,
        "subscribe": {
            "recoverable": True,
            "positioned": True,
            "epoch": "e",
            "offset": 5,
            "was_recovering": True,
            "recovered": True,
            "publications": [{"offset": 5, "data": 1}],
        },
    }


def test_a_client_that_does_not_recover_is_not_told_of_recovery() -> None:
    result = protocol.subscribed(epoch="e", offset=5, was_recovering=False, recovered=False, publications=[])
    assert set(result) == {"recoverable", "positioned", "epoch", "offset"}


def test_pushes_of_the_server_carry_their_subscription() -> None:
    assert json.loads(protocol.subscribe_push("room:7", {"offset": 1})) == {
        "push": {"channel": "room:7", "subscribe": {"offset": 1}}
    }
    assert json.loads(protocol.unsubscribe_push("room:7", codes.SERVER_UNSUBSCRIBE)) == {
        "push": {"channel": "room:7", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}
    }


def test_close_codes_say_who_comes_back() -> None:
    """Below 3500 a client reconnects, from there on it does not."""
    ours = {close for close in vars(codes).values() if isinstance(close, codes.Close)}
    again = {close.code for close in ours if 3000 <= close.code < 3500}
    never = {close.code for close in ours if close.code >= 3500}
    assert again == {3000, 3001, 3004, 3005, 3008, 3009, 3010, 3011, 3012, 3013}
    assert never == {3500, 3501, 3502, 3503, 3504, 3505, 3507}
