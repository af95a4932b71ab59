"""The commands: `folkmoot-server status`, on the server."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from folkmoot_server.backups import NIGHTLY, Backups
from folkmoot_server.errors import Failed
from folkmoot_server.front import NOBODY, certificate
from folkmoot_server.releases import prune
from folkmoot_server.stack import Installation, Stack, read_installation
from folkmoot_server.state import State
from folkmoot_server.steward import Steward

UNCHANGED = "Nothing had to be changed."


def main(words: Sequence[str], base: Path) -> int:
    given = _parser().parse_args(words)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a connection that breaks must not leave half a deploy
    try:
        return _perform(given, State(base))
    except Failed as failed:
        print(f"✗ {failed}", flush=True)
        return 1


def _perform(given: argparse.Namespace, state: State) -> int:
    installation = read_installation(state.base)
    if given.command == "compose":
        return _compose(Stack(state.base, installation, held=0), state, given.words)
    if given.command == "status":
        _tell(state)
        _tell_of_https(installation)
        return 0
    with state.lock() as held:
        stack = Stack(state.base, installation, held)
        backups = Backups(state, stack, installation.keep_backups)
        steward = Steward(state, stack, backups, report=lambda line: print(f"· {line}", flush=True))
        if given.command == "switch":
            if not steward.switch(given.release):
                print(UNCHANGED)
            prune(state, stack, installation.keep_releases)
        elif given.command == "back":
            steward.back(given.data)
        elif given.command == "restore":
            steward.restore(given.file)
        elif given.command == "backup":
            print(f"Wrote {state.backups / steward.back_up(given.name)}")
    return 0


def _compose(stack: Stack, state: State, words: Sequence[str]) -> int:
    if not state.current:
        raise Failed("No release runs on this server yet.")
    os.chdir(state.releases / state.current / "source")
    command = [*stack.command(state.current), *words]
    os.execvp(command[0], command)  # noqa: S606 - that is what was asked for


def _tell(state: State) -> None:
    print(f"runs:     {state.current or 'nothing yet'}")
    if move := state.upgraded_by(state.current):
        print(f"before:   {move.former}")
    if under_way := state.under_way:
        print(f"broken off: a {under_way.what} to {under_way.to}; the same command again goes on with it")
    print(f"releases: {' '.join(sorted(each.name for each in state.releases.iterdir()))}")
    for file in state.kept:
        print(f"backup:   {file.name} {file.stat().st_size / 1e6:.1f} MB")


def _tell_of_https(installation: Installation) -> None:
    if installation.tls == "off":
        return
    said = certificate(installation.name, installation.https_port)
    if said == NOBODY and installation.tls == "acme":  # nginx opens the port when there is one
        said = "no certificate yet; it is asked for every hour. Why not: folkmoot-server compose logs acme"
    print(f"https:    {said}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="folkmoot-server", description="Looks after Folkmoot on this server.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="what runs, which backups there are, and how HTTPS stands")
    switch = commands.add_parser("switch", help="make a release run that the deploy brought here")
    switch.add_argument("release")
    back = commands.add_parser("back", help="make the release run that ran before")
    back.add_argument("--data", choices=["keep", "backup", ""], default="", help="when the schema went forward since")
    restore = commands.add_parser("restore", help="replace everything in the database with a backup")
    restore.add_argument("file", help="the name of a file in the folder of backups")
    backup = commands.add_parser("backup", help="make a backup while everybody goes on talking")
    backup.add_argument("name", nargs="?", default=NIGHTLY, help="what its name begins with")
    compose = commands.add_parser("compose", help="docker compose of the release that runs: compose logs -f api")
    compose.add_argument("words", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["FOLKMOOT_BASE"])))
