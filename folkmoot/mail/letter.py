"""A letter, and its two forms: plain text, and simple HTML that says the same.

Both are made of the same sentences, so they cannot differ; and whatever stands in them is text there, never markup.
"""

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime, make_msgid
from html import escape

STYLE = "max-width:36em;margin:2em auto;padding:0 1em;font:16px/1.5 system-ui,sans-serif;color:#222"
BUTTON = "display:inline-block;padding:.6em 1.2em;border-radius:6px;background:#2f6b4f;color:#fff;text-decoration:none"
SMALL = "font-size:13px;color:#666"


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody is told, a paragraph an entry. The link stands between `before` and `after`."""

    language: str
    subject: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    footer: str
    link: tuple[str, str] | None = None  # what it is called, and where it leads


def write(letter: Letter, sender: Address, to: Address) -> EmailMessage:
    """The letter as it is sent. Raises ValueError when an address or the subject would be more than one line."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = letter.subject
    message["Date"] = localtime()
    message["Message-ID"] = make_msgid(domain=sender.domain)
    message["Auto-Submitted"] = "auto-generated"  # so that nobody's machine answers that they are away
    message["Content-Language"] = letter.language
    message.set_content(as_text(letter))
    message.add_alternative(as_html(letter), subtype="html")
    return message


def as_text(letter: Letter) -> str:
    link = (letter.link[1],) if letter.link else ()
    return "\n\n".join([*letter.before, *link, *letter.after, f"-- \n{letter.footer}"]) + "\n"


def as_html(letter: Letter) -> str:
    parts = [f"<p>{escape(text)}</p>" for text in letter.before]
    if letter.link:
        label, address = letter.link
        parts.append(f'<p><a style="{BUTTON}" href="{escape(address)}">{escape(label)}</a></p>')
        parts.append(f'<p style="{SMALL};word-break:break-all">{escape(address)}</p>')
    parts += [f"<p>{escape(text)}</p>" for text in letter.after]
    parts.append(f'<p style="{SMALL}">{escape(letter.footer)}</p>')
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{letter.language}">\n<meta charset="utf-8">\n'
        f"<title>{escape(letter.subject)}</title>\n"
        f'<body style="{STYLE}">\n{body}\n</body>\n</html>\n'
    )
