"""The REST service with a handler more, which breaks. Run in its folder."""

from app import create_app
from handlers import Message, registry


@registry.handle("GET", "/broken", gives=Message)
def broken() -> Message:
    """Breaks."""
    return Message(message=str(1 // 0))


app = create_app(registry)
