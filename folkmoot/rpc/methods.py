"""The rpc door: the name of an action and JSON in, JSON out. The socket has it as the command `rpc`."""

from folkmoot.actions import Call, Caller
from folkmoot.core import Core
from folkmoot.errors import Invalid
from folkmoot.json import BadJson, decode, encode


async def call_method(core: Core, caller: Caller, method: str, data: bytes, address: str) -> bytes:
    """Performs an action for somebody at an address. Raises an `Error` of the tree."""
    try:
        given = decode(data)
    except BadJson as error:
        raise Invalid(f"The data {error}") from None
    result = await core.registry.find(method).perform(Call(core, caller, address), {} if given is None else given)
    return encode(result)
