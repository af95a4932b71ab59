"""Refusals, merged: a stranger causes as many as they like, and a bounded number of rows.

The first of a kind is written at once. Those like it are counted, and written as one when the window ends. Beyond a
number of kinds the rest lose who and where: what and why are few.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace

from folkmoot.addresses import place_of
from folkmoot.audit.entry import VISITOR, Actor, Entry, Origin


@dataclass(slots=True)
class _Kind:
    entry: Entry
    unwritten: int


class Refusals:
    """`most` kinds in a window are told apart for visitors, and as many for those who have signed in."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kinds: dict[Hashable, _Kind] = {}
        self._told_apart = {True: 0, False: 0}
        self._fresh: list[_Kind] = []

    def add(self, entry: Entry) -> bool:
        """Counts a refusal. Whether it is the first of its kind, and is to be written now."""
        key, is_visitor = _key(entry), entry.actor.role == VISITOR
        kind = self._kinds.get(key)
        if kind is None and self._told_apart[is_visitor] >= self._most:
            entry = replace(entry, actor=Actor(entry.actor.role), origin=Origin(), target=None, details={})
            key = _key(entry)
            kind = self._kinds.get(key)
        if kind is not None:
            kind.unwritten += 1
            return False
        self._told_apart[is_visitor] += 1
        self._kinds[key] = fresh = _Kind(entry, 1)
        self._fresh.append(fresh)
        return True

    def take_fresh(self) -> list[Entry]:
        """The first of each kind that nobody has taken yet, with those that came meanwhile."""
        return _taken(self._fresh)

    def end_window(self) -> list[Entry]:
        """What was counted since the first of each kind. A new window begins."""
        left = list(self._kinds.values())
        self._kinds.clear()
        self._told_apart = {True: 0, False: 0}
        return _taken(left)


def _taken(kinds: list[_Kind]) -> list[Entry]:
    entries = [replace(kind.entry, times=kind.unwritten) for kind in kinds if kind.unwritten]
    for kind in kinds:
        kind.unwritten = 0
    kinds.clear()
    return entries


def _key(entry: Entry) -> Hashable:
    """What makes two refusals alike. A visitor is where they are; somebody who has signed in is who they are."""
    where = place_of(entry.origin.address or "") if entry.actor.role == VISITOR else entry.actor.id
    return entry.action, entry.reason, entry.actor.role, where, entry.target
