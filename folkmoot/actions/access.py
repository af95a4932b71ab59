"""Who may call an action, and on what of all there is they may act."""

from enum import Enum


class Access(Enum):
    """Who may call. `ANYONE` is only for the routes that name it: a socket or a program is signed in already."""

    ANYONE = "anyone"
    MEMBER = "member"
    ADMIN = "admin"


class Reach(Enum):
    """On what of all there is a caller may act: their role alone does not say that."""

    ALL = "everything"
    OWN = "what is theirs"
    ROOM = "a room that they are in"
    OPEN_ROOM = "an open room, or one that they are in"
    HOLDER = "what the secret that they give is good for"
