"""A message in the shape that Slack's incoming webhooks take, as Markdown.

Whatever is missing, of another type, or of a kind we do not know is left out: a program that posts here cannot be told.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from folkmoot.modules.incoming.mrkdwn import escaped, link, to_markdown
from folkmoot.modules.incoming.rich_text import rich_text

Part = Mapping[str, Any]
MOST_PARTS = 100  # blocks, or attachments, that are looked at


def message(payload: Part) -> str:
    """The message: its blocks or else its text, and its attachments as quotations. Empty when it says nothing."""
    body = blocks(payload) or formatted(payload, "text", is_marked=payload.get("mrkdwn") is not False)
    return _paragraphs([body, *(_attachment(each) for each in parts(payload, "attachments"))])


def blocks(of: Part) -> str:
    return _paragraphs(_block(each) for each in parts(of, "blocks"))


def parts(of: Part, name: str) -> list[Part]:
    """The objects in a list."""
    found = of.get(name)
    return [each for each in found[:MOST_PARTS] if isinstance(each, dict)] if isinstance(found, list) else []


def text(of: Part, name: str) -> str:
    """Text, or a number, which some programs send in its place."""
    found = of.get(name)
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        return ""
    return str(found).strip()


def formatted(of: Part, name: str, *, is_marked: bool = True) -> str:
    """Text that may hold marks."""
    return to_markdown(text(of, name)) if is_marked else escaped(text(of, name))


def _object(of: Part, name: str = "text") -> str:
    """A text object of Slack's: marked, or plain."""
    found = of.get(name)
    if not isinstance(found, dict):
        return formatted(of, name)
    return formatted(found, "text", is_marked=found.get("type") != "plain_text")


def _plain_object(of: Part, name: str) -> str:
    """The same as text alone, for a label."""
    found = of.get(name)
    return text(found, "text") if isinstance(found, dict) else text(of, name)


def _attachment(of: Part) -> str:
    is_marked = of.get("mrkdwn") is not False
    title = text(of, "title")
    inside = [
        _linked(text(of, "author_name"), text(of, "author_link")),
        f"**{_linked(title, text(of, 'title_link'))}**" if title else "",
        blocks(of) or formatted(of, "text", is_marked=is_marked),
        *(_field(each) for each in parts(of, "fields")),
        _image(of, "image_url", "image"),
        escaped(text(of, "footer")),
    ]
    shown = "\n".join(filter(None, inside)) or formatted(of, "fallback")
    quoted = "\n".join(f"> {line}".rstrip() for line in shown.splitlines())
    return _paragraphs([formatted(of, "pretext"), quoted])


def _field(of: Part) -> str:
    title, value = text(of, "title"), formatted(of, "value")
    return f"**{escaped(title.rstrip(':'))}:** {value}".rstrip() if title else value


def _linked(label: str, url: str) -> str:
    return link(url, label) if label and url else escaped(label)


def _image(of: Part, name: str, label: str) -> str:
    url = text(of, name)
    return link(url, label) if url else ""


def _block(of: Part) -> str:
    read = BLOCKS.get(text(of, "type"))
    return read(of) if read else ""


def _header(of: Part) -> str:
    said = _plain_object(of, "text")
    return f"**{escaped(said)}**" if said else ""


def _section(of: Part) -> str:
    listed = of.get("fields")
    fields = [_object({"text": each}) for each in listed[:MOST_PARTS]] if isinstance(listed, list) else []
    beside = of.get("accessory")
    return "\n".join(filter(None, [_object(of), *fields, _element(beside) if isinstance(beside, dict) else ""]))


def _row(of: Part) -> str:
    return " · ".join(filter(None, map(_element, parts(of, "elements"))))


def _picture(of: Part) -> str:
    return _image(of, "image_url", _plain_object(of, "title") or text(of, "alt_text") or "image")


def _element(of: Part) -> str:
    """What stands in a row or beside a section: text, a picture, or a button that leads somewhere."""
    if of.get("type") == "image":
        return _picture(of)
    if of.get("type") in ("mrkdwn", "plain_text"):
        return _object({"text": of})
    return _linked(_plain_object(of, "text"), text(of, "url")) if text(of, "url") else ""


def _paragraphs(found: Iterable[str]) -> str:
    return "\n\n".join(part for part in found if part.strip())


BLOCKS: dict[str, Callable[[Part], str]] = {
    "header": _header,
    "section": _section,
    "context": _row,
    "actions": _row,
    "image": _picture,
    "markdown": lambda of: text(of, "text"),
    "rich_text": rich_text,
}
