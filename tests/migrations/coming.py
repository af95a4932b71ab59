"""What a next release might do to the tables that everybody writes to, in a way that today's servers bear."""

from pathlib import Path

from folkmoot.migrations import History

NEXT_RELEASE = History(Path(__file__).parent / "next_release", "next_release")
