"""What a slash command gives."""

from folkmoot.actions import Output


class Said(Output, frozen=True):
    """An answer in Markdown.

    It goes into the room, under the command and the name of who typed it; or to the caller alone; or into the room as
    a message in the caller's own words, without the command.
    """

    body: str
    only_for_me: bool = False
    own_words: bool = False
