"""Two servers of one product: one that answers HTTP and one that holds the sockets."""

from tests.conftest import Start
from tests.people import assert_problem, enrol, visiting
from tests.realtime.python_client import using
from tests.realtime.wire import until


async def test_a_message_sent_to_one_arrives_at_the_other(start: Start) -> None:
    async with start(only="api") as api, start(only="socket") as sockets, enrol(api, "Ada") as ada:
        room_id = await ada.make_room()
        async with using(sockets.port, ada.token) as sdk:
            await sdk.connect()  # which subscribes to the rooms of a member
            said = await ada.say(room_id, "Over two servers")
            await until(lambda: sdk.heard(f"room:{room_id}") == [said["seq"]])


async def test_each_answers_only_its_own_and_says_how_it_is(start: Start) -> None:
    async with start(only="api") as api, start(only="socket") as sockets:
        for node, paths in (
            (api, ("/ws", "/connection/websocket")),
            (sockets, ("/", "/api", "/v1.0/session", "/api/v1.0/session", "/openapi.json")),
        ):
            async with visiting(node) as http:
                assert (await http.get("/healthz")).json() == {"live": True}
                assert (await http.get("/readyz")).status_code == 200
                for path in paths:
                    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
                    refused = await http.get(path, headers=upgrade | {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
                    assert_problem(refused, 404, "not_found")
