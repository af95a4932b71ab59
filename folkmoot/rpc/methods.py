"""The rpc door: the name of an action and JSON in, JSON out. The socket has it as the command `rpc`."""

import msgspec

from folkmoot.actions import Call, Caller
from folkmoot.core import Core
from folkmoot.errors import Invalid
from folkmoot.json import encode


async def call_method(core: Core, caller: Caller, method: str, data: bytes, address: str) -> bytes:
    """Performs an action for somebody at an address. Raises an `Error` of the tree."""
    try:
        given = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        raise Invalid("The data must be JSON.") from None
    result = await core.registry.find(method).perform(Call(core, caller, address), {} if given is None else given)
    return encode(result)
