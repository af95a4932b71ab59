"""The file of services: every mistake is named, each with its line, and no secret is shown."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from folkmoot.services import BadServices
from folkmoot.services.file import read_services

Write = Callable[[str], Path]

WHOLE = """\
flask:
  base_uri: http://localhost:5001/api/
  health: /health
  connect_s: 0.5
  read_s: 1
  total_s: 2.5
  retries: 0
  answer_bytes: 4096
  concurrency: 5
  queue: 10
  breaker_failures: 3
  breaker_open_s: 30
  headers:
    Accept: text/plain
  credentials:
    bearer: {env: FLASK_TOKEN}
node:
  base_uri: https://node.example.org
"""


def test_a_file_says_all_there_is_to_say_of_a_service(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_TOKEN", "canary")
    flask, node = read_services(write(WHOLE))
    assert (flask.name, flask.entry.base_uri, flask.entry.total_s) == ("flask", "http://localhost:5001/api", 2.5)
    assert flask.headers == {"Accept": "text/plain", "Authorization": "Bearer canary"}
    assert (node.entry.retries, node.entry.health, node.headers) == (2, None, {})
    assert "canary" not in repr(flask)


MISTAKES = {
    "empty": ("", "1: the file is empty"),
    "comments alone": ("# nothing yet\n", "1: the file is empty"),
    "a list": ("- flask\n", "1: the file is no mapping: it must name services"),
    "text": ("\nflask\n", "2: the file is no mapping"),
    "no YAML": ("flask:\n  base_uri: 'http://x\n", "this is not YAML"),
    "two documents": ("a:\n  base_uri: http://a\n---\nb: 1\n", "3: this is not YAML: but found another document"),
    "a control character": ("flask: \x01\n", "1: this is not YAML"),
    "a service twice": (
        "a:\n  base_uri: http://a\na:\n  base_uri: http://b\n",
        "3: a is here twice: first in line 1",
    ),
    "a key twice": (
        "a:\n  base_uri: http://a\n  base_uri: http://b\n",
        "3: a.base_uri is here twice: first in line 2",
    ),
    "no mapping": ("flask: http://localhost:5001\n", "1: flask must be a mapping"),
    "nothing": ("flask:\n", "1: flask must be a mapping"),
    "no address": ("\nflask:\n  retries: 1\n", "2: flask.base_uri is missing"),
    "an unknown key": (
        "a:\n  base_uri: http://a\n  total: 3\n",
        "3: a.total is no key that is known here; is it 'total_s'?",
    ),
    "a bad name": ("a b:\n  base_uri: http://a\n", "1: a b must be a name: letters"),
    "a name that is a mapping": ("? {a: b}\n: 1\n", "1: the file has a key that is no text"),
    "an alias": ("a: &a\n  base_uri: http://a\nb: *a\n", "is an alias: write it out"),
    "an alias of itself": ("a: &a\n  headers: *a\n", "is an alias: write it out"),
    "another language": ("a: !!python/object/apply:os.system ['x']\n", "1: a must be a mapping"),
    "another language's value": (
        "a:\n  base_uri: !!python/name:os.system ''\n",
        "2: a.base_uri cannot be read as python/name:os.system",
    ),
    "an impossible date": ("a:\n  base_uri: 2026-13-45\n", "2: a.base_uri cannot be read as timestamp"),
    "a number as text": ("a:\n  base_uri: http://a\n  retries: '2'\n", "3: a.retries must be a whole number"),
    "a truth as number": ("a:\n  base_uri: http://a\n  total_s: yes\n", "3: a.total_s must be a number"),
    "no end": ("a:\n  base_uri: http://a\n  total_s: .inf\n", "3: a.total_s must be "),
    "too small": ("a:\n  base_uri: http://a\n  total_s: 0\n", "3: a.total_s must be more than 0"),
    "negative": ("a:\n  base_uri: http://a\n  queue: -1\n", "3: a.queue must be at least 0"),
    "too large": ("a:\n  base_uri: http://a\n  retries: 11\n", "3: a.retries must be at most 10"),
    "another scheme": ("a:\n  base_uri: file:///etc/passwd\n", "2: a.base_uri must be an address that starts with"),
    "no host": ("a:\n  base_uri: http://\n", "2: a.base_uri must be an address"),
    "a bad port": ("a:\n  base_uri: http://a:99999\n", "2: a.base_uri must be an address"),
    "a password in the address": (
        "a:\n  base_uri: http://me:canary@a\n",
        "2: a.base_uri must not hold a user or a password: they go into `credentials`",
    ),
    "a query": ("a:\n  base_uri: http://a?key=canary\n", "2: a.base_uri must not hold ?, # or a space"),
    "a way out": ("a:\n  base_uri: http://a/b/../c\n", "2: a.base_uri must not lead to another folder"),
    "health elsewhere": ("a:\n  base_uri: http://a\n  health: http://b/\n", "3: a.health must be a path"),
    "a header of ours": (
        "a:\n  base_uri: http://a\n  headers:\n    Host: b\n",
        "4: a.headers.Host is set by",
    ),
    "a secret header": (
        "a:\n  base_uri: http://a\n  headers:\n    Authorization: Bearer canary\n",
        "4: a.headers.Authorization holds a secret: it goes into `credentials`",
    ),
    "a header in two lines": (
        'a:\n  base_uri: http://a\n  headers:\n    X-A: "b\\r\\nX-B: c"\n',
        "4: a.headers.X-A must be plain ASCII in one line",
    ),
    "a secret in the file": (
        "a:\n  base_uri: http://a\n  credentials:\n    bearer: canary\n",
        "4: a.credentials.bearer must be {env: NAME} or {file: PATH}: a secret has no place in this file",
    ),
    "no credentials": (
        "a:\n  base_uri: http://a\n  credentials: {}\n",
        "3: a.credentials must be one of `bearer`, `basic` and `header`",
    ),
    "two places": (
        "a:\n  base_uri: http://a\n  credentials:\n    bearer: {env: A, file: b}\n",
        "4: a.credentials.bearer must be either {env: NAME} or {file: PATH}",
    ),
    "a variable that is not set": (
        "a:\n  base_uri: http://a\n  credentials:\n    bearer:\n      env: NOWHERE\n",
        "5: a.credentials.bearer.env names NOWHERE, which is not set",
    ),
    "a file that is not there": (
        "a:\n  base_uri: http://a\n  credentials:\n    basic:\n      user: u\n      password: {file: gone}\n",
        "which cannot be read: No such file",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line_and_without_secrets(write: Write, mistake: str) -> None:
    text, says = MISTAKES[mistake]
    path = write(text)
    with pytest.raises(BadServices) as refused:
        read_services(path)
    assert says in str(refused.value)
    assert all(line.startswith(f"{path}:") for line in str(refused.value).splitlines())
    assert "canary" not in str(refused.value)


def test_all_mistakes_are_named_at_once_in_the_order_of_their_lines(write: Write) -> None:
    path = write("a:\n  base_uri: ftp://a\n  retries: many\nb:\n  headers: none\nc: 1\n")
    with pytest.raises(BadServices) as refused:
        read_services(path)
    lines = str(refused.value).splitlines()
    assert [line.split(":")[1] for line in lines] == ["2", "3", "4", "5", "6"]


def test_a_file_that_cannot_be_read_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadServices, match=r"FOLKMOOT_SERVICES: cannot read .*gone\.yaml: No such file"):
        read_services(tmp_path / "gone.yaml")
    with pytest.raises(BadServices, match=r"cannot read .*: Is a directory"):
        read_services(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    with pytest.raises(BadServices, match="is not text in UTF-8"):
        read_services(tmp_path / "latin.yaml")


def test_deep_nesting_is_a_mistake_like_others(write: Write) -> None:
    with pytest.raises(BadServices):
        read_services(write("a: " + "[" * 500))


@pytest.mark.parametrize(
    ("credentials", "header", "value"),
    [
        ("bearer: {file: secret}", "Authorization", "Bearer canary"),
        (
            "basic: {user: us, password: {file: secret}}",
            "Authorization",
            f"Basic {base64.b64encode(b'us:canary').decode()}",
        ),
        ("header: {name: X-Api-Key, value: {file: secret}}", "X-Api-Key", "canary"),
    ],
)
def test_credentials_come_from_a_file_beside_it(write: Write, credentials: str, header: str, value: str) -> None:
    path = write(f"a:\n  base_uri: http://a\n  credentials:\n    {credentials}\n")
    (path.parent / "secret").write_text("canary\n")
    (described,) = read_services(path)
    assert described.headers == {header: value}


@pytest.mark.parametrize("secret", ["", "two\nlines", "caf\xe9", "bell\x07"])
def test_a_secret_that_cannot_be_a_header_is_a_mistake(write: Write, secret: str) -> None:
    path = write("a:\n  base_uri: http://a\n  credentials:\n    bearer: {file: secret}\n")
    (path.parent / "secret").write_text(secret)
    with pytest.raises(BadServices, match=r"4: a\.credentials\.bearer must be one line of plain ASCII"):
        read_services(path)


def test_a_secret_of_the_settings_file_is_found_too(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("HELLO_TOKEN=canary\n")
    (described,) = read_services(write("a:\n  base_uri: http://a\n  credentials:\n    bearer: {env: HELLO_TOKEN}\n"))
    assert described.headers == {"Authorization": "Bearer canary"}
