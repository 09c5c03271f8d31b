"""Many questions with bounded concurrency, each measured, answered in the order in which they are done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from batchproof.errors import BatchproofError

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Outcome(Generic[Item, Answer]):
    """What became of one item: an answer, or the error that took its place; `milliseconds` are those of its asking."""

    item: Item
    milliseconds: float
    answer: Answer | None = None
    error: BatchproofError | None = None


async def drive(
    items: Iterable[Item], ask: Callable[[Item], Awaitable[Answer]], concurrency: int
) -> AsyncGenerator[Outcome[Item, Answer], None]:
    """Ask for every item, never for more than `concurrency` at a time, and give each outcome as it comes.

    Errors of batchproof are outcomes; others end everything. An item is taken when it is its turn, so there may be any
    number. What is under way when the generator is closed (`async with contextlib.aclosing`) is cancelled.
    """
    waiting = iter(items)
    running = {asyncio.create_task(_asked(item, ask)) for item in islice(waiting, concurrency)}
    try:
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            running |= {asyncio.create_task(_asked(item, ask)) for item in islice(waiting, len(done))}
            for task in done:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _asked(item: Item, ask: Callable[[Item], Awaitable[Answer]]) -> Outcome[Item, Answer]:
    started = time.perf_counter()
    try:
        answer = await ask(item)
    except BatchproofError as error:
        return Outcome(item, _milliseconds_since(started), error=error)
    return Outcome(item, _milliseconds_since(started), answer)


def _milliseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
