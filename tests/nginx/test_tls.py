"""HTTPS: the operator's certificate, one that changes, and one that does not exist yet."""

import asyncio
import os
import shutil
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from folkmoot.app import Node
from tests import certificates
from tests.nginx.front import SOURCE, Front, environment, front
from tests.nginx.test_headers import assert_protected
from tests.people import assert_problem
from tests.ports import free_port


def certify(folder: Path, name: str) -> ssl.SSLContext:
    """Puts a new certificate for localhost into the folder. What is returned trusts it, and no other."""
    made = folder / f"{name}.making"
    made.mkdir(parents=True)
    pair = certificates.certify(made, its="fullchain.pem", key="privkey.pem", subject=name)
    trusts = ssl.create_default_context(cafile=str(pair.its))
    for file in pair:
        shutil.move(file, folder / file.name)
    return trusts


@asynccontextmanager
async def secured(folder: Path, node: Node, **variables: str) -> AsyncIterator[tuple[Front, str]]:
    """A front with HTTPS, and its address."""
    port = free_port()
    address = f"127.0.0.1:{node.port}"
    given = {
        "TLS_FOLDER": str(folder / "tls"),
        "LISTEN_TLS": f"127.0.0.1:{port}",
        "TLS_PORT": str(port),
        "API_UPSTREAM": address,
        "WS_UPSTREAM": address,
    }
    async with front(folder, **given | {"TLS": "own"} | variables) as running:
        yield running, f"https://localhost:{port}"


@asynccontextmanager
async def watched(running: Front) -> AsyncIterator[None]:
    """With what reloads nginx when its certificate changes."""
    process = await asyncio.create_subprocess_exec(
        *(str(SOURCE / "watch"), str(running.folder)),
        env=environment({**running.variables, "TLS_CHECK": "1"}),
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, 15)
        await process.wait()


async def reached(url: str, trusts: ssl.SSLContext) -> httpx.Response:
    """Waits until this certificate is shown there."""
    async with asyncio.timeout(30), httpx.AsyncClient(verify=trusts, trust_env=False) as http:
        while True:
            try:
                return await http.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def test_https_with_a_certificate_of_ones_own(node: Node, tmp_path: Path) -> None:
    trusts = certify(tmp_path / "tls", "first")
    async with secured(tmp_path, node) as (running, url):
        answer = await reached(f"{url}/api", trusts)
        assert answer.json() == {"hello": "world!"}
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        for path in ("/", "/nothing.js", "/api/v1.0/nothing"):
            answer = await reached(url + path, trusts)
            assert_protected(answer)
            assert "strict-transport-security" in answer.headers

        plain = await running.http.get("/rooms/7?a=%20b", headers={"Host": "chat.test"})
        assert plain.status_code == 308
        assert plain.headers["location"] == f"https://chat.test:{url.rpartition(':')[2]}/rooms/7?a=%20b"
        assert "strict-transport-security" not in plain.headers


@pytest.mark.parametrize(
    ("version", "offered", "spoken"),
    [
        (ssl.TLSVersion.TLSv1_3, ["h2", "http/1.1"], "h2"),
        (ssl.TLSVersion.TLSv1_2, ["http/1.1"], "http/1.1"),
        (ssl.TLSVersion.TLSv1_1, ["http/1.1"], None),
    ],
)
async def test_new_versions_are_spoken_and_old_ones_are_not(
    node: Node, tmp_path: Path, version: ssl.TLSVersion, offered: list[str], spoken: str | None
) -> None:
    trusts = certify(tmp_path / "tls", "first")
    trusts.set_ciphers("ALL:@SECLEVEL=0")  # so that it is not our side that refuses
    with warnings.catch_warnings(action="ignore"):  # to name an old version is deprecated
        trusts.minimum_version = trusts.maximum_version = version
    trusts.set_alpn_protocols(offered)
    async with secured(tmp_path, node) as (_, url):
        port = int(url.rpartition(":")[2])
        try:
            _, writer = await asyncio.open_connection("localhost", port, ssl=trusts)
        except ssl.SSLError:
            assert spoken is None
        else:
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == spoken
            writer.close()


async def test_a_new_certificate_is_shown_without_a_restart(node: Node, tmp_path: Path) -> None:
    first = certify(tmp_path / "tls", "first")
    async with secured(tmp_path, node) as (running, url), watched(running):
        assert (await reached(url, first)).status_code == 200
        second = certify(tmp_path / "tls", "second")
        assert (await reached(url, second)).status_code == 200
        assert running.process.returncode is None


async def test_a_certificate_that_came_before_anybody_watched_is_found(node: Node, tmp_path: Path) -> None:
    async with secured(tmp_path, node, TLS="acme") as (running, url):
        trusts = certify(tmp_path / "tls", "first")
        async with watched(running):
            assert (await reached(f"{url}/api", trusts)).json() == {"hello": "world!"}


async def test_until_there_is_a_certificate_only_the_challenge_is_answered(node: Node, tmp_path: Path) -> None:
    challenge = tmp_path / "acme" / ".well-known" / "acme-challenge"
    challenge.mkdir(parents=True)
    (challenge / "t0ken").write_text("t0ken.thumbprint")
    acme = {"TLS": "acme", "ACME_FOLDER": str(tmp_path / "acme")}
    async with secured(tmp_path, node, **acme) as (running, url), watched(running):
        proof = await running.http.get("/.well-known/acme-challenge/t0ken")
        assert (proof.status_code, proof.text) == (200, "t0ken.thumbprint")
        assert_problem(await running.http.get("/.well-known/acme-challenge/other"), 404, "not_found")
        assert_problem(await running.http.get("/api"), 503, "unavailable")
        trusts = certify(tmp_path / "tls", "first")
        assert (await reached(f"{url}/api", trusts)).json() == {"hello": "world!"}
        proof = await running.http.get("/.well-known/acme-challenge/t0ken")
        assert proof.status_code == 200  # the next one is proven the same way


async def test_other_names_than_ours_are_refused(node: Node, tmp_path: Path) -> None:
    trusts = certify(tmp_path / "tls", "first")
    async with secured(tmp_path, node, SERVER_NAME="localhost,chat.test") as (running, url):
        assert (await reached(f"{url}/api", trusts)).status_code == 200
        async with httpx.AsyncClient(verify=trusts, trust_env=False) as http:
            for address in (url, running.address):
                refused = await http.get(f"{address}/api", headers={"Host": "evil.test"})
                assert_problem(refused, 421, "not_found")
                assert_protected(refused)
