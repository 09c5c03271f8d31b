from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing

import pytest

from batchproof.deploy.triton.client.driving import Outcome, drive
from batchproof.errors import InputError


class Asked:
    """Answers an item by its double, after as many hundredths of a second; remembers how many were asked at once."""

    def __init__(self) -> None:
        self.running = self.most = self.cancelled = 0

    async def __call__(self, item: int) -> int:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(item / 100)
            if item == 13:
                raise InputError("thirteen")
            if item == 7:
                raise ZeroDivisionError
            return 2 * item
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1


async def outcomes(items: list[int], ask: Asked, concurrency: int) -> list[Outcome[int, int]]:
    return [outcome async for outcome in drive(items, ask, concurrency)]


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_every_item_has_an_outcome_and_no_more_are_under_way_than_allowed(concurrency: int) -> None:
    ask, items = Asked(), [4, 2, 5, 1, 2, 0, 3]
    found = asyncio.run(outcomes(items, ask, concurrency))
    assert sorted((one.item, one.answer) for one in found) == sorted((item, 2 * item) for item in items)
    assert ask.most == min(concurrency, len(items))
    assert all(one.milliseconds >= 10 * one.item for one in found)


def test_outcomes_come_in_the_order_in_which_they_are_done() -> None:
    found = asyncio.run(outcomes([20, 0, 10], Asked(), 3))
    assert [one.item for one in found] == [0, 10, 20]


def test_an_error_of_ours_is_an_outcome() -> None:
    good, bad = asyncio.run(outcomes([0, 13], Asked(), 2))
    assert (good.answer, good.error) == (0, None)
    assert (bad.answer, str(bad.error)) == (None, "thirteen.")


def test_another_error_ends_everything_and_cancels_what_is_under_way() -> None:
    ask = Asked()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(outcomes([7, 500, 600], ask, 3))
    assert (ask.running, ask.cancelled) == (0, 2)


def test_items_may_be_endless_and_whoever_has_enough_stops() -> None:
    ask = Asked()

    async def some() -> list[int]:
        found = []
        async with aclosing(drive(itertools.chain([0, 0, 0], itertools.repeat(900)), ask, 4)) as going:
            async for outcome in going:
                found.append(outcome.item)
                if len(found) == 3:
                    break
        return found

    assert asyncio.run(some()) == [0, 0, 0]
    assert ask.running == 0
    assert ask.cancelled >= 1


def test_nothing_to_ask_is_no_question() -> None:
    assert asyncio.run(outcomes([], Asked(), 4)) == []
