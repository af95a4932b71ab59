"""From the marks that Slack's messages are written in to Markdown. Pure, and linear in the length of the text."""

import re

TOKEN = re.compile(
    r"```(?P<fence>.+?)```"
    r"|`(?P<code>[^`\n]+)`"
    r"|<(?P<angle>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<bold>[^*\s](?:[^*\n]*[^*\s])?)\*(?![\w*])"
    r"|(?<![\w~])~(?P<struck>[^~\s](?:[^~\n]*[^~\s])?)~(?![\w~])",
    re.DOTALL,
)
LINK = re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE)
MARKS = re.compile(r"[\\`*_~\[\]<>]")
ESCAPES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
ESCAPE = re.compile("|".join(ESCAPES))


def to_markdown(text: str) -> str:
    """`*bold*`, `~struck~`, `<url|label>`, `<!here>` and `&amp;` as Markdown has them; what is in code stays."""
    made, end = [], 0
    for found in TOKEN.finditer(text):
        made += [_plain(text[end : found.start()]), _token(found)]
        end = found.end()
    return "".join([*made, _plain(text[end:])])


def escaped(text: str) -> str:
    """Text without marks, such as a title: what looks like one is shown as it is."""
    return MARKS.sub(r"\\\g<0>", unescaped(text))


def unescaped(text: str) -> str:
    return ESCAPE.sub(lambda found: ESCAPES[found[0]], text)


def link(url: str, label: str = "") -> str:
    """A link in Markdown; only the label, if the address is none that a page may open."""
    url = unescaped(url.strip())
    if not LINK.fullmatch(url):
        return escaped(label or url)
    safe = url.replace("<", "%3C").replace(">", "%3E").replace("\\", "%5C")
    return f"[{escaped(label)}](<{safe}>)" if label.strip() else f"<{safe}>"


def _token(found: re.Match[str]) -> str:
    kind, inner = found.lastgroup, str(found[found.lastgroup or 0])
    if kind == "fence":
        return "```\n" + unescaped(inner.strip("\n")) + "\n```"
    if kind == "code":
        return f"`{unescaped(inner)}`"
    if kind == "angle":
        return _angle(inner)
    mark = "**" if kind == "bold" else "~~"
    return f"{mark}{to_markdown(inner)}{mark}"


def _angle(inner: str) -> str:
    """A link, somebody's name, a room's, or a word to everybody."""
    target, _, label = inner.partition("|")
    if target.startswith("!"):
        return escaped(label if label and "^" in target else f"@{label.lstrip('@') or target[1:].partition('^')[0]}")
    if target.startswith(("@", "#")):
        return escaped(target[0] + (label.lstrip("@#") or target[1:]))
    return link(target, label) if LINK.fullmatch(unescaped(target)) else f"<{unescaped(inner)}>"


def _plain(text: str) -> str:
    return unescaped(text.replace("\\", "\\\\"))
