"""Takes the stack from one release to another, and back.

Whatever is begun is written down first and crossed out last. So it may end anywhere, by kill -9 or a power cut: who
comes next finds what was under way, and finishes or undoes it.
"""

from collections.abc import Callable

from folkmoot_server.backups import Backups
from folkmoot_server.errors import Failed
from folkmoot_server.stack import Stack
from folkmoot_server.state import Move, State

Report = Callable[[str], None]

LOST = """The database's schema went forward from {before} to {now}. Say what shall become of what was written since:
  DATA=keep    the schema goes back too; only what the newer release alone knows is lost
  DATA=backup  everything is as in {backup}; all that was written since then is lost
A backup of what is there now is made first in both cases."""


class Steward:
    def __init__(self, state: State, stack: Stack, backups: Backups, report: Report) -> None:
        self._state = state
        self._stack = stack
        self._backups = backups
        self._report = report

    def switch(self, release: str) -> bool:
        """Makes this release run, with a backup first when another one runs. Returns whether anything changed.

        A release that does not become healthy is taken back, and Failed says so.
        """
        move = self._left_over(release)
        former = self._state.current
        if move is None and former in ("", release):
            return self._start(release)
        self._upgrade(former, release, move)
        return True

    def back(self, data: str = "") -> None:
        """Makes the release run that ran before this one. Raises Failed with the choice when data would be lost.

        After an upgrade that was broken off, that is the one which ran when it began.
        """
        if self._state.under_way and self._state.under_way.to != self._state.current:
            self._left_over("")
        else:
            self._left_over("")
            self._go_back(self._state.begin(self._way_back(data)))

    def restore(self, file: str) -> None:
        """Replaces everything in the database with what this backup holds. What is there now is backed up before."""
        self._left_over(self._running())
        release = self._running()
        self._backups.open_up(file)
        self._stack.check_backup(release, file)
        self._put_back(self._state.begin(Move("restore", release, release, "", file)))

    def back_up(self, name: str) -> str:
        """Makes a backup, and throws away what is too many. Returns the name of its file."""
        file = self._backups.make(self._running(), name)
        for gone in self._backups.prune():
            self._say(f"threw away {gone}")
        return file

    def _start(self, release: str) -> bool:
        """The first release, or the one that runs already, perhaps with other settings."""
        first = not self._state.current
        try:
            changed = self._stack.up(release)
            self._stack.check()
        except Failed as failed:
            raise Failed(f"{release} is not healthy: {failed}\n{self._stack.what_was_said(release)}") from None
        if first:
            self._state.arrive(release)
        if first or changed:
            self._say(f"{release} runs" + (" for the first time" if first else ", with other settings or started anew"))
        return first or changed

    def _upgrade(self, former: str, release: str, move: Move | None) -> None:
        revision = self._stack.revision(former)
        if move is None or revision == move.revision:  # people may have talked since the backup of a former try
            self._say(f"backing up {former} before {release}")
            file = self._backups.make(former, f"before-{release}")
            move = self._state.begin(Move("upgrade", former, release, revision, file))
        try:
            self._say(f"bringing the schema up to date, and starting {release}")
            self._stack.migrate(release)
            self._bring(release)
        except Failed as failed:
            said = self._stack.what_was_said(release)
            self._undo(move)
            raise Failed(f"{release} did not become healthy: {failed}\n{said}\n{former} runs again.") from None
        self._state.arrive(release, move)
        self._say(f"{release} runs, and {former} did before; {move.backup} is from then")

    def _undo(self, move: Move) -> None:
        """Of an upgrade that failed or was broken off: the former release, and the schema that it knows.

        Its servers are still there unless it was almost done, and people go on talking.
        """
        self._say(f"going back to {move.former}")
        if self._stack.revision(move.to) != move.revision:
            self._stack.dismiss(move.to)
            self._stack.migrate_back(move.to, move.revision)
        self._bring(move.former)
        self._state.end()
        self._say(f"{move.former} runs again; nothing that was said is lost")

    def _bring(self, release: str) -> None:
        """Its servers take over one by one from whichever run, and then all else becomes what the release says."""
        self._stack.roll(release)
        self._stack.up(release)
        self._stack.check()

    def _left_over(self, release: str) -> Move | None:
        """What was broken off: returned when it was on its way to this release, and else brought to an end."""
        move = self._state.under_way
        if move is None:
            return None
        if move.what == "upgrade" and self._state.current == move.to:
            self._state.end()  # it had arrived, but for the last stroke
            return None
        if move.what == "upgrade" and move.to == release:
            self._say(f"going on with the upgrade to {release}")
            return move
        self._say(f"a {move.what} to {move.to} was broken off")
        finish = {"upgrade": self._undo, "back": self._go_back, "restore": self._put_back}
        finish[move.what](move)
        return None

    def _way_back(self, data: str) -> Move:
        release = self._running()
        upgrade = self._state.upgraded_by(release)
        if upgrade is None:
            raise Failed(f"There is nothing to go back to: {release} is the first release on this server.")
        now = self._stack.revision(release)
        if now == upgrade.revision:
            data = ""
        elif data not in ("keep", "backup"):
            raise Failed(LOST.format(before=upgrade.revision, now=now, backup=upgrade.backup))
        return Move("back", release, upgrade.former, upgrade.revision, upgrade.backup, data)  # type: ignore[arg-type]

    def _go_back(self, move: Move) -> None:
        self._say(f"going back from {move.former} to {move.to}")
        if self._stack.revision(move.former) != move.revision:
            self._stack.stop_servers(move.former)
            self._backups.make(move.former, f"before-going-back-to-{move.to}")
            if move.data == "keep":
                self._stack.migrate_back(move.former, move.revision)
            else:
                self._stack.restore(move.to, move.backup)
        self._bring(move.to)
        self._state.arrive(move.to)
        self._say(f"{move.to} runs again")

    def _put_back(self, move: Move) -> None:
        self._say(f"restoring {move.backup}")
        revision = self._stack.revision(move.to)
        self._stack.stop_servers(move.to)
        try:
            safe = self._backups.make(move.to, "before-restore")
            self._stack.restore(move.to, move.backup)
        except Failed:
            if self._stack.revision(move.to) != revision:  # it is of a newer release, and was in before that was seen
                self._stack.restore(move.to, safe)
            self._up_again(move)
            raise
        self._up_again(move)
        self._say(f"{move.backup} is restored; {safe} holds what was there before")

    def _up_again(self, move: Move) -> None:
        self._stack.up(move.to)
        self._stack.check()
        self._state.end()

    def _running(self) -> str:
        if not self._state.current:
            raise Failed("No release runs on this server yet.")
        return self._state.current

    def _say(self, line: str) -> None:
        self._state.note(line)
        self._report(line)
