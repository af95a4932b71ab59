"""Slack's rich text: a tree of sections, lists, quotations and code, as Markdown."""

from collections.abc import Mapping
from typing import Any

from folkmoot.modules.incoming.mrkdwn import escaped, link

Part = Mapping[str, Any]
MOST_PARTS = 500
STYLES = (("code", "`"), ("strike", "~~"), ("italic", "_"), ("bold", "**"))


def rich_text(of: Part) -> str:
    return "\n".join(filter(None, map(_block, _elements(of))))


def _elements(of: Part) -> list[Part]:
    found = of.get("elements")
    return [each for each in found[:MOST_PARTS] if isinstance(each, dict)] if isinstance(found, list) else []


def _word(of: Part, name: str) -> str:
    found = of.get(name)
    return found if isinstance(found, str) else ""


def _block(of: Part) -> str:
    kind = of.get("type")
    if kind == "rich_text_list":
        return "\n".join(_items(of))
    if kind == "rich_text_preformatted":
        code = "".join(_word(each, "text") or _word(each, "url") for each in _elements(of))
        return "```\n" + code.strip("\n") + "\n```"
    inline = "".join(map(_inline, _elements(of)))
    if kind == "rich_text_quote":
        return "\n".join(f"> {line}" for line in inline.splitlines())
    return inline if kind == "rich_text_section" else ""


def _items(of: Part) -> list[str]:
    depth = of.get("indent")
    indent = "   " * (depth if isinstance(depth, int) and 0 < depth < 9 else 0)
    is_ordered = of.get("style") == "ordered"
    items = ["".join(map(_inline, _elements(each))) for each in _elements(of)]
    return [f"{indent}{f'{number}.' if is_ordered else '-'} {item}" for number, item in enumerate(items, start=1)]


def _inline(of: Part) -> str:
    kind = of.get("type")
    if kind == "text":
        return _styled(_word(of, "text"), of.get("style"))
    if kind == "link":
        return link(_word(of, "url"), _word(of, "text"))
    if kind == "emoji":
        return f":{_word(of, 'name')}:"
    if kind == "broadcast":
        return f"@{_word(of, 'range')}"
    if kind in ("user", "usergroup"):
        return escaped(f"@{_word(of, f'{kind}_id')}")
    return escaped(f"#{_word(of, 'channel_id')}") if kind == "channel" else ""


def _styled(said: str, style: object) -> str:
    """The marks go around the words, not around the blanks beside them, where Markdown would not know them."""
    core = said.strip()
    if not isinstance(style, dict) or not core:
        return escaped(said)
    made = core.replace("`", "'") if style.get("code") else escaped(core)
    for name, mark in STYLES:
        made = f"{mark}{made}{mark}" if style.get(name) else made
    return said.replace(core, made)
