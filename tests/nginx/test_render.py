"""The configuration is made from variables, and a bad one is told in a sentence."""

import re
from pathlib import Path

import pytest

from folkmoot import errors, gate
from scripts.nginx_reference import PAGE, page, variables
from tests.nginx.front import SOURCE, NotRendered, render

GOOD = {"RESOLVER": "127.0.0.1"}
BAD = [
    ({"API_UPSTREAM": "api"}, 'API_UPSTREAM must be an address as api:8000; it is "api".'),
    ({"API_UPSTREAM": "http://api:8000"}, "API_UPSTREAM must be an address"),
    ({"WS_UPSTREAM": "ws:8000; evil on"}, "WS_UPSTREAM must be an address"),
    ({"WS_UPSTREAM": "ws:8000\nevil:1"}, "WS_UPSTREAM must be an address as api:8000, on one line."),
    ({"DB_UPSTREAM": "${RUN}:1"}, "DB_UPSTREAM must be an address"),
    ({"DB_ALLOW": "everybody"}, "DB_ALLOW must be networks"),
    ({"TRUSTED_PROXIES": "10.0.0.0/8;"}, "TRUSTED_PROXIES must be networks"),
    ({"SERVER_NAME": "chat.test {"}, "SERVER_NAME must be names of hosts"),
    ({"SERVER_NAME": "-"}, "SERVER_NAME must be names of hosts"),
    ({"RATE": "0"}, "RATE must be a number, 1 or more"),
    ({"RATE": "many"}, 'RATE must be a number, 1 or more; it is "many".'),
    ({"BODY_LIMIT": "1g"}, "BODY_LIMIT must be a size as 1m or 512k"),
    ({"API_WEBSOCKET_TIMEOUT": "1d"}, "API_WEBSOCKET_TIMEOUT must be a number of seconds"),
    ({"TLS": "on"}, "TLS must be one of off/own/acme"),
    ({"TLS": "own", "TLS_FOLDER": "/nonexistent"}, "TLS=own needs /nonexistent/fullchain.pem and"),
    ({"SITE_FOLDER": "site"}, "SITE_FOLDER must be the path of a folder"),
    ({"SITE_FOLDER": "/a;b"}, "SITE_FOLDER must be the path of a folder"),
    ({"LISTEN": "all"}, "LISTEN must be a port"),
    ({"WORKERS": "0"}, "WORKERS must be auto or a number"),
    ({"ERROR_LOG": "loud"}, "ERROR_LOG must be emerg,"),
    ({"RESOLVER": "", "RESOLV_CONF": "/dev/null"}, "RESOLVER is not set, and /dev/null names no name server."),
]


@pytest.mark.parametrize(("given", "sentence"), BAD)
async def test_a_bad_variable_is_told_in_a_sentence(tmp_path: Path, given: dict[str, str], sentence: str) -> None:
    with pytest.raises(NotRendered, match=re.escape(f"nginx is not started: {sentence}")):
        await render(tmp_path / "out", **GOOD | given)
    assert not list(tmp_path.glob("out/*.conf"))


async def test_where_it_cannot_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(NotRendered, match="out cannot be written to"):
        await render(tmp_path / "out", **GOOD)


async def test_name_servers_are_those_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("search corp.test\nnameserver 127.0.0.11\nnameserver fe80::1%eth0\n")
    await render(tmp_path / "out", RESOLV_CONF=str(tmp_path / "resolv.conf"))
    assert "resolver 127.0.0.11 [fe80::1]  valid=5s;" in (tmp_path / "out" / "upstreams.conf").read_text()
    assert "api api:8000;" in (tmp_path / "out" / "upstreams.conf").read_text()


async def test_on_kubernetes_a_short_name_is_made_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text(
        "nameserver 10.96.0.10\nsearch moot.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
    )
    await render(tmp_path / "out", RESOLV_CONF=str(tmp_path / "resolv.conf"), WS_UPSTREAM="ws.other.svc:9")
    assert "api api.moot.svc.cluster.local:8000;" in (tmp_path / "out" / "upstreams.conf").read_text()
    assert "sockets ws.other.svc:9;" in (tmp_path / "out" / "upstreams.conf").read_text()


def test_the_page_about_the_variables_is_the_one_that_is_made() -> None:
    """`python scripts/nginx_reference.py` writes it anew."""
    assert PAGE.read_text() == page()


def test_every_variable_is_used() -> None:
    used = (SOURCE / "derive.sh").read_text() + "".join(path.read_text() for path in SOURCE.glob("conf/*.conf"))
    unused = [variable.name for variable in variables() if variable.name not in used]
    assert unused == ["TLS_CHECK"]
    assert "TLS_CHECK" in (SOURCE / "watch").read_text()


def test_problems_have_the_codes_and_titles_of_the_server() -> None:
    known = {error.code: error.title for error in _tree(errors.Error)}
    conf = (SOURCE / "conf" / "problems.conf").read_text()
    tables = [re.findall(r'^    (\d{3}|default) "?([^";]+)"?;', part, re.M) for part in conf.split("map ")[1:3]]
    codes, titles = map(dict, tables)
    assert codes.keys() == titles.keys()
    assert {codes[status]: titles[status] for status in codes}.items() <= known.items()


def test_sockets_are_where_the_server_takes_them() -> None:
    conf = (SOURCE / "conf" / "socket.conf").read_text()
    assert set(re.findall(r"location = (\S+) ", conf)) == gate.PATHS


def _tree(kind: type[errors.Error]) -> set[type[errors.Error]]:
    return {kind}.union(*map(_tree, kind.__subclasses__()))
