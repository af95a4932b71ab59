"""Log lines of a program: valid ECS whoever writes them, in one line each, and without a secret."""

from typing import Literal

import pytest

from folkmoot.telemetry.clean import MOST_CHARS, Addresses, one_line, path_without_secrets, session_hash
from tests.telemetry.ecs_fields import assert_ecs
from tests.telemetry.served import Line, read_lines, run_python

TOKEN = "Zm9sa21vb3QgdGVzdCBjYW5hcnkgdG9rZW4tMTIzNDU"  # as ours look

# Everything that can happen, in one program.
PROGRAM = r"""
import asyncio, gc, threading, uvloop, warnings

log.info('thing.done', number=1, user=5, status=200, duration_s=0.25, nothing=None)
logging.getLogger('library').warning('two %s', 2)
warnings.warn('careful')
log.debug('hidden')

def fail(where):
    raise RuntimeError('what went wrong in ' + where)

try:
    fail('a block')
except RuntimeError:
    log.exception('thing.failed')
    logging.getLogger('grpc._cython.cygrpc').exception('of grpc')
    logging.getLogger('sanic.error').exception('of sanic')
log.error('thing.failed', exc_info=RuntimeError('what went wrong in a value'))
thread = threading.Thread(target=fail, args=['a thread'])
thread.start()
thread.join()

async def work():
    fail('a task')

async def main():
    task = asyncio.create_task(work())
    asyncio.get_running_loop().call_soon(fail, 'a callback')
    await asyncio.sleep(0.01)
    del task
    gc.collect()

uvloop.run(main())

evil = 'x\n2026-01-01T00:00:00Z [info ] forged\r\x1b[2J\x9b2J\x00\u2028\u202e\ud800\x7f'
log.info('evil.done', text=evil, path=evil, note=evil)
logging.getLogger('library').warning(evil)
try:
    fail(evil)
except RuntimeError:
    log.exception('evil.failed')

log.info('huge.done', text='x' * 10_000_000, other='ä' * 5_000)
def deep(n):
    deep(n - 1) if n else 1 / 0
sys.setrecursionlimit(5000)
try:
    deep(3000)
except ZeroDivisionError:
    log.exception('deep.failed')

def sign_in(password, token):
    raise RuntimeError(f'refused: token={token}')
sign_in(*[word[::-1] for word in ('drowssap-yranac', 'nekot-yranac')])
"""


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return read_lines(run_python(PROGRAM, LOG_FORMAT="json", ENVIRONMENT="test", PROCESS_ID="7"))


def by(lines: list[Line], **fields: object) -> list[Line]:
    """The lines with these values (`log__logger` for `log.logger`)."""
    wanted = {name.replace("__", "."): value for name, value in fields.items()}
    return [line for line in lines if wanted.items() <= line.items()]


def test_every_line_is_ecs_whoever_wrote_it(lines: list[Line]) -> None:
    assert len(lines) == 16, [line["message"] for line in lines]
    for line in lines:
        assert_ecs(line)


def test_a_line_of_ours_has_the_names_of_the_schema(lines: list[Line]) -> None:
    (own,) = by(lines, event__action="thing.done")
    assert (own["message"], own["log.level"]) == ("thing.done", "info")
    assert (own["folkmoot.number"], own["user.id"], own["http.response.status_code"]) == (1, "5", 200)
    assert own["event.duration"] == 250_000_000, "nanoseconds"
    assert (own["service.environment"], own["service.node.name"]) == ("test", "7")
    assert "folkmoot.nothing" not in own


def test_lines_of_libraries_and_warnings_go_the_same_way(lines: list[Line]) -> None:
    (library, _) = by(lines, log__logger="library")
    assert (library["message"], library["log.level"]) == ("two 2", "warning")
    (warning,) = by(lines, log__logger="py.warnings")
    assert "careful" in warning["message"]
    assert "hidden" not in str(lines)


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ("a block", {"event__action": "thing.failed"}), ("a block", {"log__logger": "grpc._cython.cygrpc"}),
        ("a block", {"log__logger": "sanic.error"}), ("a value", {"event__action": "thing.failed"}),
        ("a thread", {"event__action": "thread.failed"}), ("a task", {"log__logger": "asyncio"}),
        ("a callback", {"log__logger": "asyncio"}),
    ],
)  # fmt: skip
def test_what_nobody_caught_says_what_it_was_and_where(lines: list[Line], where: str, named: dict[str, str]) -> None:
    (line,) = by(lines, **named, error__type="RuntimeError", error__message=f"what went wrong in {where}")
    assert line["log.level"] in ("error", "critical")
    assert f"RuntimeError: what went wrong in {where}" in line["error.stack_trace"]


def test_what_ends_the_program_is_a_line_and_shows_no_secret(lines: list[Line]) -> None:
    assert (last := lines[-1])["event.action"] == "process.failed"
    assert "sign_in" in last["error.stack_trace"]
    assert last["error.message"] == "refused: token=[redacted]"
    assert "canary" not in str(last)


@pytest.mark.parametrize("style", ["text", "json"])
def test_no_line_can_be_forged(style: str) -> None:
    """Whatever is in a value, a name or an exception: it stays in its line, and moves no cursor."""
    said = run_python(PROGRAM, LOG_FORMAT=style)
    assert said.count("forged") >= 5, "for this test to mean anything, it must be there"
    assert "canary" not in said
    for line in said.split("\n"):
        assert not line.startswith("2026-01-01")
        assert all(character.isprintable() for character in line), ascii(line)


def test_huge_values_are_cut(lines: list[Line]) -> None:
    (line,) = by(lines, event__action="huge.done")
    assert line["folkmoot.text"].endswith("… (10000000 characters)")
    assert len(line["folkmoot.text"]) < MOST_CHARS + 50
    assert line["folkmoot.other"].endswith("… (5000 characters)")
    (deep,) = by(lines, event__action="deep.failed")
    assert len(deep["error.stack_trace"]) < 20_000
    assert deep["error.stack_trace"].endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize(
    "secret",
    [
        f"token={TOKEN}", f"?access_token={TOKEN}&x=1", f"Authorization: Bearer {TOKEN}", f"'password': '{TOKEN}'",
        f"the session {TOKEN} was used", f"postgresql://folkmoot:{TOKEN}@db/folkmoot", f"fmt_{TOKEN[:30]}",
        f"Cookie: sid={TOKEN}; a=b", f"CLIENT_SECRET = {TOKEN}", "x" * (MOST_CHARS - 20) + f" {TOKEN}",
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_not_shown(secret: str) -> None:
    shown = one_line(secret)
    assert TOKEN[:20] not in shown
    assert "[redact" in shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/v1.0/rooms/1/events?token=x", "/api/v1.0/rooms/1/events"),
        (f"/hooks/{TOKEN}", "/hooks/[redacted]"),
        ("/api/v1.0/hooks/short/x", "/api/v1.0/hooks/[redacted]"),
        (f"/reset/{TOKEN}/confirm", "/reset/[redacted]/confirm"),
        ("/x/00000000-0000-4000-8000-000000000002", "/x/00000000-0000-4000-8000-000000000002"),
        ("/assets/index-BcD12345.js", "/assets/index-BcD12345.js"),
    ],
)
def test_of_an_address_the_path_is_shown_without_tokens(path: str, shown: str) -> None:
    assert path_without_secrets(path) == shown


def test_ordinary_words_are_left_alone() -> None:
    for words in (
        "The database cannot be reached right now",
        "tests/telemetry/test_logs.py::test_of_an_address_the_path",
    ):
        assert one_line(words) == words


def test_a_session_has_one_name_that_says_nothing_else() -> None:
    assert session_hash(5) == session_hash(5) != session_hash(6)
    assert len(session_hash(5)) == 16


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("full", ["203.0.113.77", "2001:db8:1:2::7", "nowhere"]),
        ("network", ["203.0.113.0", "2001:db8:1::", None]),
        ("none", [None, None, None]),
    ],
)
def test_addresses_are_kept_as_far_as_the_operator_wants(
    kept: Literal["full", "network", "none"], shown: list[str | None]
) -> None:
    addresses = ("203.0.113.77", "2001:db8:1:2::7", "nowhere")
    assert [Addresses(kept)(None, "", {"address": address})["address"] for address in addresses] == shown
