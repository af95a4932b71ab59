"""What the engine says about servers of two releases side by side, and what follows from it."""

import json

from folkmoot_server.servers import Plan, Server, missing, read_plan, read_servers, scales_beside

PLANS = {"api": Plan("server:2", 2), "ws": Plan("server:2", 1)}
OLD = [Server("api-1", "api", "server:1", True), Server("api-2", "api", "server:1", True)]
OLD_SOCKET = Server("ws-1", "ws", "server:1", True)


def line(name: str, service: str, *, once: str = "False", health: str = "healthy") -> str:
    labels = f"com.docker.compose.project=chat,com.docker.compose.oneoff={once},com.docker.compose.service={service}"
    return json.dumps({"Name": name, "Service": service, "Image": "server:1", "Health": health, "Labels": labels})


def test_what_runs_once_is_no_server() -> None:
    printed = "\n".join(
        [line("api-1", "api"), line("run-7", "api", once="True"), line("ws-1", "ws", health="starting")]
    )
    assert read_servers(printed) == [Server("api-1", "api", "server:1", True), Server("ws-1", "ws", "server:1", False)]
    assert read_servers("") == []


def test_a_release_says_how_many_it_wants() -> None:
    config = {"services": {"api": {"image": "server:2", "deploy": {"replicas": 2}}, "ws": {"image": "server:2"}}}
    assert {service: read_plan(json.dumps(config), service) for service in PLANS} == PLANS


def test_new_servers_come_beside_the_old() -> None:
    assert scales_beside(PLANS, [*OLD, OLD_SOCKET]) == {"api": 4, "ws": 2}
    assert scales_beside(PLANS, []) == {"api": 2, "ws": 1}


def test_what_was_broken_off_is_gone_on_with() -> None:
    half = [*OLD, Server("api-3", "api", "server:2", False), Server("ws-2", "ws", "server:2", True)]
    assert scales_beside(PLANS, half) == {"api": 4}
    assert missing(PLANS, half) == "2 of 2 api"
    done = [*half, Server("api-4", "api", "server:2", True), Server("api-5", "api", "server:2", True)]
    assert scales_beside(PLANS, done) == {}
    assert missing(PLANS, done) == ""
