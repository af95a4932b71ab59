"""What `folkmoot-server status` says of the certificate at the front."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from folkmoot_server.__main__ import main
from tests.certificates import Certificate, certify
from tests.ports import free_port


@contextmanager
def https(certificate: Certificate) -> Iterator[int]:
    """A front with this certificate; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "releases").mkdir()
    return tmp_path


def status(base: Path, capsys: pytest.CaptureFixture[str], port: int, *, tls: str = "acme") -> str:
    """The line about HTTPS of an installation whose front is at the port."""
    facts = {"project": "x", "name": "chat.test", "tls": tls, "http_port": 80, "https_port": port}
    limits = {"ready_within_s": 1, "keep_backups": 1, "keep_releases": 1}
    (base / "installation.json").write_text(json.dumps(facts | limits))
    assert main(["status"], base) == 0
    return "".join(line for line in capsys.readouterr().out.splitlines() if line.startswith("https:"))


def test_a_certificate_that_browsers_take_says_until_when(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certify(base, "chat.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.its))
    with https(made) as port:
        assert "a certificate that browsers take, until " in status(base, capsys, port)


@pytest.mark.parametrize(("host", "why"), [("chat.test", "self-signed certificate"), ("other.test", "chat.test")])
def test_one_that_they_do_not_take_says_why(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, host: str, why: str
) -> None:
    made = certify(base, host)
    if host == "other.test":
        monkeypatch.setenv("SSL_CERT_FILE", str(made.its))
    with https(made) as port:
        said = status(base, capsys, port, tls="own")
    assert "do not take" in said
    assert why in said


def test_as_long_as_there_is_none_it_says_where_to_look(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = status(base, capsys, free_port())
    assert "no certificate yet" in said
    assert "compose logs acme" in said
    assert "nobody answers" in status(base, capsys, free_port(), tls="own")
    assert status(base, capsys, free_port(), tls="off") == ""
