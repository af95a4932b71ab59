"""What a conversation leaves in the logs and the metrics of a server."""

from folkmoot.app import Node
from tests.telemetry.conversation import conversation, visiting
from tests.telemetry.ecs_fields import assert_ecs
from tests.telemetry.served import Sample, Served, value


async def test_every_line_of_it_is_ecs_and_none_holds_a_secret_or_a_query(node: Node, server: Served) -> None:
    async with conversation(node, server) as held:
        await server.hears("request", url__path="/api/v1.0/rooms/999999999")
        await server.hears("socket.closed", 3, user__id=str(held.ada.id))
        lines = server.lines
        assert len(lines) > 30, "for this test to mean anything, there must be lines"
        for line in lines:
            assert_ecs(line)
        logged = server.log.read_text()
        for secret in (*held.secrets, "token=", "canary", "hello", "\x1b"):
            assert secret not in logged, secret
        assert "forged" in logged, "for this test to mean anything, what would forge a line must be there"


async def test_a_request_says_who_asked_what_from_where_how_it_ended_and_how_long_it_took(
    node: Node, server: Served
) -> None:
    async with conversation(node, server) as held, visiting(server, held.ada.token) as ada:
        answer = await ada.get(f"/api/v1.0/rooms/{held.room_id}/events?after=0")
        (line,) = await server.hears("request", http__request__id=answer.headers["x-request-id"])
        assert (line["http.request.method"], line["http.response.status_code"]) == ("GET", 200)
        assert line["url.path"] == f"/api/v1.0/rooms/{held.room_id}/events"
        assert (line["client.ip"], line["user.id"]) == ("127.0.0.1", str(held.ada.id))
        assert len(line["folkmoot.session.hash"]) == 16
        assert 0 < line["event.duration"] < 30_000_000_000
        assert line["trace.id"] == answer.headers["x-request-id"]
        trace = "0af7651916cd43dd8448eb211c80319c"
        await ada.get("/api/v1.0/rooms", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        assert await server.hears("request", trace__id=trace), "the caller's own"
        refused = await ada.get("/api/v1.0/rooms", headers={"Authorization": "Bearer wrong"})
        (line,) = await server.hears("request", http__request__id=refused.headers["x-request-id"])
        assert line["http.response.status_code"] == 401
        assert "user.id" not in line
        assert "folkmoot.session.hash" not in line


async def test_a_socket_says_when_it_came_and_went_and_what_was_refused_but_not_what_was_said(
    node: Node, server: Served
) -> None:
    async with conversation(node, server) as held:
        user = str(held.ada.id)
        closed = await server.hears("socket.closed", 3, user__id=user)
        for line in closed:
            assert (line["client.ip"], line["folkmoot.close.code"]) == ("127.0.0.1", 1000)
            assert 0 < line["event.duration"] < 60_000_000_000
        connected = await server.hears("socket.connected", 3, user__id=user)
        assert {line["folkmoot.client.id"] for line in connected} == {line["folkmoot.client.id"] for line in closed}
        assert {line["folkmoot.session.hash"] for line in connected} == {closed[0]["folkmoot.session.hash"]}
        refused = await server.hears("command.refused", 3, user__id=user)
        assert [(line["folkmoot.command"], line["error.code"]) for line in refused[:2]] == [
            ("subscribe", "103"),
            ("rpc", "104"),
        ]
        stranger, *_ = await server.hears("socket.closed", folkmoot__close__code=3500)
        assert await server.hears("socket.refused", url__path="/ws", error__code="forbidden")
        assert "user.id" not in stranger


def moved(before: dict[Sample, float], after: dict[Sample, float], name: str, **labels: str) -> float:
    """By how much a sum has grown."""
    had = sum(number for (one, its), number in before.items() if one == name and labels.items() <= set(its))
    return value(after, name, **labels) - had


async def test_metrics_count_what_was_done(node: Node, server: Served) -> None:
    before = await server.scrape()
    async with conversation(node, server) as held:
        await server.hears("socket.closed", 3, user__id=str(held.ada.id))
        after = await server.scrape()
        for name, labels, least in (
            ("folkmoot_http_requests_total", {"route": "/v1.0/rooms/{room_id}/messages", "status": "201"}, 1),
            ("folkmoot_http_requests_total", {"route": "/v1.0/rooms/{room_id}", "status": "404"}, 1),
            ("folkmoot_http_requests_total", {"route": "none", "status": "404"}, 4),
            ("folkmoot_http_request_seconds_count", {"route": "/v1.0/rooms/{room_id}/messages"}, 1),
            ("folkmoot_sockets_opened_total", {}, 5),
            ("folkmoot_sockets_closed_total", {"code": "3500"}, 1),
            ("folkmoot_handshakes_refused_total", {"code": "forbidden"}, 1),
            ("folkmoot_commands_total", {"command": "publish", "code": "0"}, 2),
            ("folkmoot_commands_total", {"command": "rpc", "code": "104"}, 1),
            ("folkmoot_command_seconds_count", {"command": "publish"}, 3),
            ("folkmoot_deliveries_total", {}, 3),
            ("folkmoot_messages_written_total", {}, 3),
            ("folkmoot_writer_batch_messages_sum", {}, 3),
            ("folkmoot_writer_commit_seconds_count", {}, 1),
            ("folkmoot_recoveries_total", {"outcome": "recovered"}, 1),
            ("folkmoot_recoveries_total", {"outcome": "failed"}, 1),
            ("folkmoot_actions_total", {"action": "accounts.sign_in", "code": "wrong_credentials"}, 1),
            ("folkmoot_actions_total", {"action": "messages.send", "code": "ok"}, 3),
            ("folkmoot_password_check_seconds_count", {}, 2),
            ("folkmoot_bus_published_total", {}, 3),
            ("folkmoot_log_lines_total", {"level": "info"}, 30),
        ):  # fmt: skip
            assert moved(before, after, name, **labels) >= least, (name, labels)
        assert value(after, "folkmoot_sockets_open") == 1, "Bob's"
        assert value(after, "folkmoot_presence_clients") >= 1
        assert value(after, "folkmoot_channels") >= 1
        for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "folkmoot_build_info"):
            assert value(after, name) > 0


async def test_no_label_names_a_person_a_room_or_what_a_stranger_sends(node: Node, server: Served) -> None:
    async with conversation(node, server), visiting(server) as stranger:
        for number in range(30):
            await stranger.get(f"/nope/{number}")
            await stranger.request(f"METHOD{number}", "/api")
        scraped = await server.scrape()
    labels = {label for _, its in scraped for label in its}
    assert {name for name, _ in labels} <= {
        "action", "code", "command", "found_by", "generation", "implementation", "le", "level", "major", "method",
        "minor", "outcome", "patchlevel", "pool", "python", "route", "service", "state", "status", "task", "version",
    }  # fmt: skip
    assert len(labels) < 250
    assert not [label for label in labels if label[0] == "route" and "nope" in label[1]]
    assert len(scraped) < 2_000


async def test_a_scrape_is_what_prometheus_reads(server: Served) -> None:
    answer = await server.admin.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    text = answer.text
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    assert len(names) == len(set(names)), "each metric is described once"
    for line in text.splitlines():
        if line.startswith("# HELP folkmoot_"):
            assert line.endswith("."), line
