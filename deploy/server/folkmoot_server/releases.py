"""The releases on this server: those that somebody may want to run again, and those that only take space."""

import shutil

from folkmoot_server.stack import Stack
from folkmoot_server.state import State


def prune(state: State, stack: Stack, keep: int) -> list[str]:
    """Removes all but the newest, their images too. What runs, and what ran before it, always stays."""
    newest = sorted(state.releases.iterdir(), key=lambda folder: folder.stat().st_mtime)
    upgrade = state.upgraded_by(state.current)
    wanted = {state.current, upgrade.former if upgrade else "", *(folder.name for folder in newest[-keep:])}
    gone = [folder for folder in newest if folder.name not in wanted]
    for folder in gone:
        stack.remove_images(folder.name)
        shutil.rmtree(folder)
    return [folder.name for folder in gone]
