"""What bots take and give."""

from datetime import datetime

from folkmoot.actions import Id, Input, Output
from folkmoot.modules.accounts.schemas import Name
from folkmoot.modules.tokens.schemas import NewToken


class NewBot(Input):
    name: Name


class BotId(Input):
    bot_id: Id


class NewBotToken(NewToken):
    """A token of a bot."""

    bot_id: Id


class BotTokenId(Input):
    bot_id: Id
    token_id: Id


class Bot(Output, frozen=True):
    """An account of a program."""

    id: int
    name: str
    created_at: datetime
    disabled: bool


class Bots(Output, frozen=True):
    bots: list[Bot]
