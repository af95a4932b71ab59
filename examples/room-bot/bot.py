"""A bot that answers in the rooms that took it in."""

import asyncio
import os
import sys
from contextlib import suppress
from uuid import UUID, uuid5

from centrifuge import (
    CentrifugeError,
    Client,
    ClientEventHandler,
    ConnectedContext,
    DisconnectedContext,
    ReplyError,
    ServerPublicationContext,
)

ANSWERS = {"ping": "pong", "marco": "polo"}
OURS = UUID("4f8a1a52-3f0c-4f0e-9a58-6d4c2f1b7e90")
WAITS_S = (0.5, 1, 2, 4, 8)


class Bot(ClientEventHandler):
    def __init__(self, url: str, token: str) -> None:
        address = url.replace("http", "ws", 1).rstrip("/") + "/connection/websocket"
        self.client = Client(address, token=token, events=self)
        self.refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self) -> str:
        """Answers until the server says not to come back. Returns why."""
        await self.client.connect()
        return await self.refused

    async def on_connected(self, context: ConnectedContext) -> None:
        print("Connected", flush=True)

    async def on_disconnected(self, context: DisconnectedContext) -> None:
        if not self.refused.done():
            self.refused.set_result(f"{context.reason} ({context.code})")

    async def on_publication(self, context: ServerPublicationContext) -> None:
        """An event of one of our rooms. Events that we missed while we were away come here too."""
        event = context.pub.data
        if event["kind"] == "message" and (body := ANSWERS.get(event["body"].lower())):
            answering = asyncio.create_task(self._answer(event, body))
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)

    async def _answer(self, event: dict, body: str) -> None:
        # One event has one answer, however often it is sent: repeats, and copies of this bot, make the same id.
        client_id = str(uuid5(OURS, f"{event['room_id']}:{event['seq']}"))
        reply = {"room_id": event["room_id"], "body": body, "client_id": client_id}
        for wait_s in WAITS_S:
            try:
                await self.client.rpc("messages.send", reply)
                return
            except ReplyError as error:
                if not error.temporary:
                    print(f"Refused: {error}", file=sys.stderr)
                    return
            except (CentrifugeError, TimeoutError):
                pass  # the line broke: whether it was heard is unknown, and asking again harmless
            await asyncio.sleep(wait_s)


async def main() -> str:
    return await Bot(os.environ.get("FOLKMOOT_URL", "http://localhost:8000"), os.environ["FOLKMOOT_TOKEN"]).run()


if __name__ == "__main__":
    if not os.environ.get("FOLKMOOT_TOKEN"):
        sys.exit("Set FOLKMOOT_TOKEN to the token that `folkmoot bot add` showed.")
    with suppress(KeyboardInterrupt):
        sys.exit(f"The server sent us away: {asyncio.run(main())}")
