"""Jobs that do what the tests need to see."""

import asyncio
from collections import Counter

from folkmoot.actions import Input
from folkmoot.jobs.job import GiveUp, Work, job

done: list[str] = []  # what ran to its end, in order
attempts: Counter[str] = Counter()
running: set[str] = set()
most_at_once: Counter[str] = Counter()
gate = asyncio.Event()


class Word(Input):
    word: str


class Failing(Input):
    word: str
    failures: int


@job()
async def note(work: Work, given: Word) -> None:
    done.append(given.word)


@job(retries=3, first_s=0.01, longest_s=0.02)
async def fail(work: Work, given: Failing) -> None:
    assert work.attempt == attempts[given.word]
    attempts[given.word] += 1
    if attempts[given.word] <= given.failures:
        raise RuntimeError(f"no {given.word}")
    done.append(given.word)


@job(retries=3, first_s=0.01)
async def give_up(work: Work, given: Word) -> None:
    attempts[given.word] += 1
    raise GiveUp("it will never be possible")


@job(retries=0, timeout_s=0.1)
async def take_too_long(work: Work, given: Word) -> None:
    await asyncio.sleep(60)


@job(retries=1, first_s=0.01)
async def wait(work: Work, given: Word) -> None:
    """Runs until the test opens the gate."""
    attempts[given.word] += 1
    running.add(given.word)
    most_at_once["wait"] = max(most_at_once["wait"], len(running))
    try:
        await gate.wait()
    finally:
        running.discard(given.word)
    done.append(given.word)
