"""What we write to people about."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from folkmoot.mail.letter import Letter
from folkmoot.mail.words import WORDS

LANGUAGE = "en"
LONGEST_NAME = 80


def reset_letter(*, server: str, name: str, email: str, token: str, lifetime_s: int) -> Letter:
    """How to choose a new password. The token stands behind a `#`: browsers send that part to nobody."""
    words = WORDS[LANGUAGE]
    return Letter(
        language=LANGUAGE,
        subject=words["reset_subject"].format(host=urlsplit(server).hostname),
        before=(
            words["greeting"].format(name=_in_a_line(name)),
            words["reset_asked"].format(email=email, server=server),
        ),
        link=(words["reset_button"], f"{server}/reset#{token}"),
        after=(words["reset_holds"].format(minutes=lifetime_s // 60), words["reset_not_you"]),
        footer=words["footer"].format(server=server),
    )


def notice_letter(
    notice: str, *, server: str, name: str, email: str, address: str, at: datetime, device: str = ""
) -> Letter:
    """What has changed about an account, so that its owner notices what they did not do."""
    words = WORDS[LANGUAGE]
    subject, says = words["notices"][notice]
    when = at.astimezone(UTC).strftime("%-d %B %Y at %H:%M UTC")
    return Letter(
        language=LANGUAGE,
        subject=subject,
        before=(
            words["greeting"].format(name=_in_a_line(name)),
            says.format(email=email, server=server, device=device or words["some_device"]),
            words["notice_when"].format(when=when, address=address),
        ),
        after=() if notice == "trial" else (words["notice_not_you"].format(server=server),),
        footer=words["footer"].format(server=server),
    )


def _in_a_line(text: str) -> str:
    """A name as it may stand in a sentence: nothing in it ends the line, and none takes up the page."""
    return "".join(character if character.isprintable() else " " for character in text)[:LONGEST_NAME].strip()
