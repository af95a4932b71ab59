"""Whoever reads a lot keeps nobody from sending."""

from folkmoot.errors import Unavailable
from tests.conftest import Start
from tests.people import enrol
from tests.realtime.wire import wired


async def test_a_message_is_taken_while_every_connection_for_reading_is_in_use(start: Start) -> None:
    async with start(database_pool=3, database_wait_s=0.5) as node, enrol(node, "Ada") as ada:
        room_id = await ada.make_room()
        async with wired(node.port, ada.token) as wire:
            async with node.core.database.connection() as held:
                refused = await wire.ask("history", channel=f"room:{room_id}", limit=1)
                assert refused["error"]["code"] == Unavailable.rpc_code, "for this to mean anything, reading must wait"
                await wire.post(room_id, "all the same")
                assert await held.fetchval("SELECT true")
            assert (await wire.expect_event(room_id, 2))["body"] == "all the same"
