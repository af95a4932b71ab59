"""The browsers that people have signed in with. By one of them somebody is known who guesses no passwords.

A browser keeps a token in a cookie. It signs nobody in, and only its hash is kept here.
"""

from folkmoot.database import Connection
from folkmoot.modules.sessions.known import store
from folkmoot.modules.sessions.tokens import hash_token, new_token

MOST = 20  # of one account; the one used longest ago is forgotten first


async def is_known(connection: Connection, email: str, device: str) -> bool:
    """Whether somebody has signed in with this browser to the account of that address."""
    return await store.is_known(connection, email, hash_token(device))


async def is_somewhere_new(connection: Connection, user_id: int, device: str) -> bool:
    """Whether the user has signed in with browsers, and not with this one."""
    return await store.is_somewhere_new(connection, user_id, hash_token(device))


async def remember(connection: Connection, user_id: int, device: str) -> str | None:
    """Knows the browser from now on. Gives the token that it is to keep, or None when the user was known by its own."""
    if device and await store.mark(connection, user_id, hash_token(device)):
        return None
    # People who share a browser share its token. One that we have not made is taken from nobody.
    is_ours = bool(device) and await store.is_ours(connection, hash_token(device))
    token = device if is_ours else new_token()
    await store.add(connection, user_id, hash_token(token), MOST)
    return token


async def forget_all(connection: Connection, user_id: int) -> None:
    """Knows none of the user's browsers any more."""
    await store.delete_all(connection, user_id)
