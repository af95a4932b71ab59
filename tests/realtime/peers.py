"""What sits on a connection in tests of the port, and the client on the other side."""

from tests.realtime.support import (
    Echo,
    Node,
    Raw,
)


class Still(Echo):
    """Takes messages and answers nothing."""

    def received(self, message: bytes, is_text: bool) -> None:
        self.messages.append(message)


async def opened(node: Node, *, receive_bytes: int | None = None) -> tuple[Raw, Echo]:
    """A client, and what sits on its connection."""
    client = await Raw.connect(node.port, receive_bytes=receive_bytes)
    receiver: Echo = node.receivers[-1]
    return client, receiver
