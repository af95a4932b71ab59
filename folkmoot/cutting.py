"""Text of programs, which may be longer than a message."""

FENCE = "```"


def cut(body: str, longest: int) -> str:
    """The body, or its beginning and a word on how much there was. A block of code that is cut is closed."""
    if len(body) <= longest:
        return body
    kept = body[:longest]
    closing = f"\n{FENCE}" if kept.count(FENCE) % 2 else ""
    return f"{kept}…{closing}\n\n(cut: there were {len(body)} characters)"
