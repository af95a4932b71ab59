"""Services with TLS: a certificate that nobody vouches for is refused; SSL_CERT_FILE names one's own."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from folkmoot.errors import ServiceAway
from folkmoot.services import Services
from tests.certificates import certify
from tests.services.upstream import saying, upstream


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """That of a service at localhost, with a fresh certificate in cert.pem."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certify(tmp_path))
    return context


async def test_only_a_certificate_that_somebody_vouches_for_will_do(
    tls: ssl.SSLContext, write: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with upstream(saying("Hello Gonzalo"), tls=tls) as it:
        by_name, by_number = f"https://localhost:{it.port}", f"https://127.0.0.1:{it.port}"
        path = write(f"it:\n  base_uri: {by_name}\n  retries: 0\nother:\n  base_uri: {by_number}\n  retries: 0\n")
        async with Services.of_file(path) as services:
            with pytest.raises(ServiceAway) as refused:
                await services["it"].get("/")
            assert "CERTIFICATE_VERIFY_FAILED" in str(refused.value.__cause__)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        async with Services.of_file(path) as services:
            assert await services["it"].get("/") == "Hello Gonzalo"
            with pytest.raises(ServiceAway) as refused:
                await services["other"].get("/")
            assert "CERTIFICATE_VERIFY_FAILED" in str(refused.value.__cause__), "it is the certificate of another name"
        assert len(it.asked) == 1
