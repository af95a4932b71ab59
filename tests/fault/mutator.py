"""What a broken or hostile client says: valid commands in valid frames, and then something is wrong with them.

Mutations happen to the text of a command (bytes flipped, cut, doubled, lines in another order, numbers that are too
large, nesting that is too deep, bytes that are no text), to the frames around it (fragments with control frames between
them, wrong opcodes, reserved bits, lengths that lie), and to the packets that carry them.
"""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.realtime.support import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

Draw = st.DrawFn

NUMBERS = (-1, 0, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, 10**400, 1e308, -0.0)
NOT_TEXT = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\x00", b"\xe2\x80", b"\xef\xbb\xbf")
OPENINGS = (b"[", b'{"a":', b'{"id":1,"rpc":{"data":', b'[{"":', b'"\\u')
LENGTHS = (b"\x7e\x00\x01", b"\x7e\xff\xff", b"\x7f" + b"\xff" * 8, b"\x7f" + b"\x80" + b"\x00" * 7, b"\xfe\x00\x7e")


def commands(room: int) -> st.SearchStrategy[dict[str, Any]]:
    """One command that a member of the room may give. None of them ends a session."""
    channel = st.sampled_from((f"room:{room}", f"typing:{room}", "echo", f"room:{room + 1}", "nothing:1"))
    since = st.fixed_dictionaries({"offset": st.integers(0, 50), "epoch": st.sampled_from(("", "abc"))})
    event = st.fixed_dictionaries({"body": st.text(max_size=30), "client_id": st.uuids().map(str)})
    called: st.SearchStrategy[tuple[str, dict[str, object]]] = st.one_of(
        st.tuples(st.sampled_from(("rooms.mine", "rooms.directory", "accounts.people", "nothing.there")), st.just({})),
        st.tuples(st.sampled_from(("rooms.get", "rooms.members", "messages.history")), st.just({"room_id": room})),
        st.tuples(st.just("messages.send"), event.map(lambda given: {"room_id": room, **given})),
        st.tuples(st.just("messages.mark_read"), st.just({"room_id": room, "seq": 1})),
    )
    return st.one_of(
        st.builds(lambda name: {"subscribe": {"channel": name}}, channel),
        st.builds(lambda name, at: {"subscribe": {"channel": name, "recover": True, **at}}, channel, since),
        st.builds(lambda name: {"unsubscribe": {"channel": name}}, channel),
        st.builds(lambda name, data: {"publish": {"channel": name, "data": data}}, channel, event),
        st.builds(
            lambda name, at, limit: {"history": {"channel": name, "since": at, "limit": limit}},
            *(channel, since, st.integers(-1, 60)),
        ),
        st.builds(lambda name: {"presence": {"channel": name}}, channel),
        st.builds(lambda name: {"presence_stats": {"channel": name}}, channel),
        st.builds(lambda call: {"rpc": {"method": call[0], "data": call[1]}}, called),
        st.builds(lambda data: {"send": {"data": data}}, event),
    )


@st.composite
def messages(draw: Draw, token: str, room: int) -> list[bytes]:
    """What one client says, a message each: it connects, as a rule, and gives commands; some of it is mutated."""
    given = draw(st.lists(commands(room), min_size=1, max_size=8))
    lines = [json.dumps({"id": number, **command}).encode() for number, command in enumerate(given, start=2)]
    if draw(st.integers(0, 9)):
        lines.insert(0, b'{"id":1,"connect":{"token":"%s"}}' % token.encode())
    said = []
    while lines:
        count = draw(st.integers(1, len(lines)))
        together, lines = lines[:count], lines[count:]
        if draw(st.integers(0, 4)) == 0:
            together = draw(st.permutations(together))
        said.append(b"\n".join(together))
    place = draw(st.integers(0, len(said) - 1))
    for _ in range(draw(st.integers(0, 3))):
        said[place] = draw(mutated(said[place]))
    return said


@st.composite
def mutated(draw: Draw, text: bytes) -> bytes:
    """The text with one thing wrong."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 40)))
    before, within, after = text[:start], text[start:end], text[end:]
    wrong = draw(st.sampled_from(("flip", "cut", "drop", "double", "number", "nest", "no text", "id", "newlines")))
    if wrong == "flip":
        return before + bytes(byte ^ draw(st.integers(1, 255)) for byte in within[:3]) + within[3:] + after
    if wrong == "cut":
        return before
    if wrong == "drop":
        return before + after
    if wrong == "double":
        return before + within * draw(st.integers(2, 50)) + after
    if wrong == "number":
        return _replaced_number(draw, text)
    if wrong == "nest":
        return _nested(draw, text)
    if wrong == "no text":
        return before + draw(st.sampled_from(NOT_TEXT)) + after
    if wrong == "id":
        return text.replace(b'"id": 2', b'"id": %d' % draw(st.integers(-(2**70), 2**70)))
    return before + b"\n" * draw(st.integers(1, 2_000)) + after


def _nested(draw: Draw, text: bytes) -> bytes:
    """Something deep stands where a value begins."""
    starts = [place + 2 for place in range(len(text)) if text.startswith(b'": ', place)]
    start = draw(st.sampled_from(starts)) + 1 if starts else 0
    return text[:start] + draw(st.sampled_from(OPENINGS)) * draw(st.sampled_from((3, 1_000, 2_500))) + text[start:]


def _replaced_number(draw: Draw, text: bytes) -> bytes:
    """One of the numbers of the text becomes another."""
    places = [place for place, byte in enumerate(text) if chr(byte).isdigit()]
    if not places:
        return text
    start = end = draw(st.sampled_from(places))
    while end in places:
        end += 1
    return text[:start] + str(draw(st.sampled_from(NUMBERS))).encode() + text[end:]


CONTROL = (
    frame(PING, b"are you there"),
    frame(PONG, b""),
    frame(PING, b"x" * 125),
    frame(PONG, b"\xff\x00"),
    frame(CLOSE, b"\x03\xe8"),
    frame(PING, b"x" * 126),
    frame(PING, b"in two", fin=False),
    frame(11, b""),
)


@st.composite
def framed(draw: Draw, message: bytes) -> bytes:
    """The message in frames, which may break the rules."""
    how = draw(st.sampled_from(("whole", "whole", "whole", "fragments", "fragments", "broken rule", "lie")))
    if how == "whole":
        return frame(TEXT, message)
    if how == "fragments":
        return _fragments(draw, message)
    if how == "lie":
        whole = frame(TEXT, message)
        return whole[:1] + draw(st.sampled_from(LENGTHS)) + whole[2:]
    opcode = draw(st.sampled_from((TEXT, BINARY, CONTINUATION, PING, PONG, CLOSE, 3, 15)))
    mask = draw(st.sampled_from((b"mask", b"\x00\x00\x00\x00", None)))
    return frame(opcode, message, fin=draw(st.booleans()), rsv=draw(st.sampled_from((0, 0, 1, 4))), mask=mask)


def _fragments(draw: Draw, message: bytes) -> bytes:
    cuts = sorted(draw(st.lists(st.integers(0, len(message)), max_size=5)))
    pieces = [message[start:end] for start, end in zip([0, *cuts], [*cuts, len(message)], strict=True)]
    written = b""
    for number, piece in enumerate(pieces):
        opcode = CONTINUATION if number else TEXT
        written += frame(opcode, piece, fin=number == len(pieces) - 1)
        if draw(st.integers(0, 2)) == 0:
            written += draw(st.sampled_from(CONTROL))
    return written


@st.composite
def packets(draw: Draw, token: str, room: int) -> Sequence[bytes]:
    """All that one client writes to its socket after the handshake, packet by packet."""
    written = b"".join([draw(framed(message)) for message in draw(messages(token, room))])
    if draw(st.integers(0, 4)) == 0:
        place = draw(st.integers(0, len(written) - 1))
        written = written[:place] + bytes((written[place] ^ draw(st.integers(1, 255)),)) + written[place + 1 :]
    cuts = sorted(draw(st.lists(st.integers(0, len(written)), max_size=4)))
    return [written[start:end] for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True)]
