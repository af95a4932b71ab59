"""Questions that are asked for many at once."""

import asyncio
from collections.abc import Sequence

import pytest

from folkmoot.errors import Unavailable
from folkmoot.together import ROUNDS, Together


class Oracle:
    """Answers with the square of what is even, when it is let; remembers the questions."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.go_on = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, numbers: Sequence[int]) -> dict[int, int]:
        self.asked.append(list(numbers))
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        return {number: number * number for number in numbers if number % 2 == 0}


async def test_whoever_asks_alone_is_answered_alone() -> None:
    oracle = Oracle()
    oracle.go_on.set()
    together = Together(oracle)
    assert (await together.find((2,)))[2] == 4
    assert (await together.find((3,))).get(3) is None
    assert dict(await together.find(())) == {}
    assert oracle.asked == [[2], [3]]


async def test_what_is_asked_meanwhile_goes_with_the_next_round_once_each() -> None:
    oracle = Oracle()
    together = Together(oracle)
    first = [asyncio.create_task(together.find((number,))) for number in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert oracle.asked == [[0, 1]], "those of one turn go together"
    first += [asyncio.create_task(together.find((100 + number,))) for number in range(ROUNDS - 1)]
    await asyncio.sleep(0.01)
    assert len(oracle.asked) == ROUNDS
    later = [asyncio.create_task(together.find((number % 50, number % 3))) for number in range(200)]
    await asyncio.sleep(0.01)
    assert len(oracle.asked) == ROUNDS, "they wait"
    oracle.go_on.set()
    answers = await asyncio.gather(*first, *later)
    assert sorted(oracle.asked[ROUNDS]) == list(range(50))
    assert len(oracle.asked) == ROUNDS + 1
    assert all(answer[2] == 4 for answer in answers[len(first) :])


async def test_who_asks_again_when_all_rounds_end_together_is_not_forgotten() -> None:
    oracle = Oracle()
    together = Together(oracle)

    async def ask_twice() -> int:
        await together.find((2,))
        return (await together.find((4,)))[4]

    asking = asyncio.create_task(ask_twice())
    others = []
    for number in range(1, ROUNDS):
        await asyncio.sleep(0.01)
        others.append(asyncio.create_task(together.find((number,))))
    await asyncio.sleep(0.01)
    assert len(oracle.asked) == ROUNDS
    oracle.go_on.set()
    async with asyncio.timeout(2):
        assert await asking == 16
    await asyncio.gather(*others)


async def test_a_round_has_a_limit() -> None:
    oracle = Oracle()
    oracle.go_on.set()
    together = Together(oracle, most=10)
    await asyncio.gather(*(together.find((number,)) for number in range(25)), together.find(range(100, 130)))
    assert max(len(asked) for asked in oracle.asked if 100 not in asked) == 10
    assert sorted(number for asked in oracle.asked for number in asked) == [*range(25), *range(100, 130)]


async def test_an_error_is_everybodys_of_that_round_and_nobody_elses() -> None:
    oracle = Oracle()
    oracle.error = Unavailable("away")
    together = Together(oracle)
    oracle.go_on.set()
    results = await asyncio.gather(together.find((1,)), together.find((2,)), return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results)
    oracle.error = None
    assert (await together.find((2,)))[2] == 4


async def test_who_stops_asking_takes_nobody_along() -> None:
    oracle = Oracle()
    together = Together(oracle)
    asking = [asyncio.create_task(together.find((number,))) for number in (2, 4)]
    await asyncio.sleep(0.01)
    asking[0].cancel()
    await asyncio.sleep(0)
    oracle.go_on.set()
    assert (await asking[1])[4] == 16


async def test_closing_answers_everybody() -> None:
    oracle = Oracle()
    together = Together(oracle)
    asking = [asyncio.create_task(together.find((number,))) for number in range(3)]
    await asyncio.sleep(0.01)
    asking += [asyncio.create_task(together.find((number,))) for number in range(3)]
    await asyncio.sleep(0.01)
    await together.close()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert len(results) == 6
    assert all(isinstance(result, Unavailable) for result in results)
    with pytest.raises(Unavailable):
        await together.find((1,))
