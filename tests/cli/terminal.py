"""The process behind `Terminal`: loads the program once, and forks for each command that it reads."""

import json
import logging
import os
import sys
import tempfile
from typing import Any, BinaryIO

import folkmoot.commands
import folkmoot.migrations.run  # noqa: F401 - loaded here, so that no command has to
from folkmoot.cli import main


def run(asked: dict[str, Any]) -> dict[str, object]:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(asked["given"].encode())
        given.seek(0)
        child = os.fork()
        if child == 0:
            become(asked, given, out, err)
        _, status = os.waitpid(child, 0)
        said = {"out": read(out), "err": read(err)}
        return {"status": os.waitstatus_to_exitcode(status), **said}


def become(asked: dict[str, Any], *files: BinaryIO) -> None:
    """Turns this process into the command. Never returns."""
    for number, file in enumerate(files):
        os.dup2(file.fileno(), number)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["folkmoot", *asked["arguments"]]
    status: object = 0
    try:
        main()
    except SystemExit as ending:
        status = ending.code or 0
    except BaseException:  # as the interpreter would end
        sys.excepthook(*sys.exc_info())
        status = 1
    logging.shutdown()  # os._exit would forget the last lines
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 1)


def read(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
