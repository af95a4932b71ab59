"""Where log lines go: through a bounded queue to a thread that writes them.

Whoever reads our lines may read slowly, or not at all, and a disk may be full. Nobody who talks waits for that: lines
that find the queue full are dropped and counted, and the first line after them says how many they were.
"""

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

AT_ONCE = 200  # lines in one write
FLUSH_S = 2.0  # what the end of a process waits for the last lines

Write = Callable[[str], None]
"""Writes whole lines. May block; raises OSError."""


class Lines:
    """Counts of this process."""

    def __init__(self) -> None:
        self.written: Counter[str] = Counter()  # by level
        self.dropped = 0


lines = Lines()


class Outbox(logging.Handler):
    """Formats a line where it is logged, and has it written elsewhere."""

    def __init__(self, write: Write, *, most: int) -> None:
        super().__init__()
        self._write = write
        self._most = most
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._said_dropped = lines.dropped
        self._thread = Thread(target=self._work, name="logs", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        if self._queue.qsize() >= self._most:
            lines.dropped += 1
            return
        try:
            line = self.format(record)
        except Exception as error:  # a line that cannot be formatted is still a line
            line = self._of_our_own(logging.ERROR, f"A line of {record.name} cannot be written: {type(error).__name__}")
        lines.written[record.levelname.lower()] += 1
        self._queue.put(line)

    def close(self) -> None:
        """Writes what waits, as far as that can be done in a moment."""
        self._queue.put(None)
        self._thread.join(FLUSH_S)
        super().close()

    def _work(self) -> None:
        is_open = True
        while is_open:
            gathered, is_open = self._gather()
            if gathered:
                self._write_all(gathered)

    def _gather(self) -> tuple[list[str], bool]:
        gathered: list[str] = []
        with suppress(Empty):
            line = self._queue.get()
            while line is not None:
                gathered.append(line)
                if len(gathered) == AT_ONCE:
                    return gathered, True
                line = self._queue.get_nowait()
            return gathered, False
        return gathered, True

    def _write_all(self, gathered: list[str]) -> None:
        if lost := lines.dropped - self._said_dropped:
            self._said_dropped += lost
            gathered.insert(0, self._of_our_own(logging.WARNING, f"{lost} lines were lost before this one"))
        try:
            self._write("\n".join(gathered) + "\n")
        except (OSError, ValueError):  # a full disk, nobody who reads, or a closed file
            lines.dropped += len(gathered)

    def _of_our_own(self, level: int, sentence: str) -> str:
        return self.format(logging.LogRecord("folkmoot.logs", level, "", 0, sentence, None, None))


def to_standard_error() -> Write:
    """Writes to the descriptor: a stream would hold a lock that the end of the process needs, too."""
    try:
        descriptor = sys.stderr.fileno()
    except (OSError, ValueError):  # somebody has put a stream of their own there
        return lambda text: print(text, end="", file=sys.stderr, flush=True)

    torn = False  # a full disk took the beginning of a line

    def write(text: str) -> None:
        nonlocal torn
        data = f"\n{text}".encode() if torn else text.encode()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            torn = 0 < len(rest) < len(data) or (torn and bool(rest))

    return write


def to_file(path: Path, *, most_bytes: int, kept: int) -> Write:
    """Writes to a file. At `most_bytes` it becomes `path.1`, and so on; `kept` of those stay."""
    handler = _Rotating(path, maxBytes=most_bytes, backupCount=kept, encoding="utf-8", delay=True)

    def write(text: str) -> None:
        for line in text.splitlines():
            handler.emit(logging.LogRecord("", logging.INFO, "", 0, line, None, None))

    return write


class _Rotating(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - a name of the base class
        raise  # noqa: PLE0704 - it is called where an error is handled
