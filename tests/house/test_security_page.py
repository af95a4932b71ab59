"""docs/reference/security.md has every requirement, and names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "reference" / "security.md"
REQUIREMENTS = 45


def test_every_requirement_is_there_once() -> None:
    there = re.findall(r"^\| (S\d\d) \|", PAGE.read_text(), re.MULTILINE)
    assert there == [f"S{number:02}" for number in range(1, REQUIREMENTS + 1)]


def test_every_test_it_names_exists() -> None:
    named = re.findall(r"\[([^\]]+)\]\(\.\./\.\./(tests/[^)]+)\)", PAGE.read_text())
    assert len(named) > REQUIREMENTS
    missing = [
        (file, words)
        for words, file in named
        if not (ROOT / file).exists() or f"def test_{words.replace(' ', '_')}(" not in (ROOT / file).read_text()
    ]
    assert missing == []
