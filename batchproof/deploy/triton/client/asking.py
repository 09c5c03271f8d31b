"""A whole run: every picture asked for, told as it is done, and what that has cost the server."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from batchproof.deploy.triton.client.driving import Outcome, drive
from batchproof.deploy.triton.client.faces_client import FacesClient, Wishes
from batchproof.deploy.triton.client.insisting import Insisting
from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.deploy.triton.client.statistics import ModelCost, costs, settled_counters
from batchproof.deploy.triton.client.transport.protocol import Document
from batchproof.errors import BatchproofError

PictureOutcome = Outcome[Path, ServedFaces]


@dataclass(frozen=True)
class RunCost:
    """What a run took from the first question to the last answer, and what models have done in it, whoever asked.

    `unknown` says why, when nobody can tell what the models have done.
    """

    seconds: float = 0.0
    models: list[ModelCost] = field(default_factory=list)
    unknown: str | None = None


async def ask_all(
    url: str, wishes: Wishes, pictures: Iterable[Path], retries: int, told: Callable[[PictureOutcome], None]
) -> RunCost:
    """Ask for every picture, `wishes.requests` at a time, and have each outcome `told` as it comes.

    Raises what entering a `FacesClient` raises; afterwards whatever goes wrong is the outcome of a picture. What is
    under way when this is cancelled is cancelled too, and nothing stays behind on the server.
    """
    if wishes.send != "files":
        import batchproof.pipeline.pictures  # noqa: F401 - without OpenCV no picture can be decoded: once, not for each
    async with FacesClient(url, wishes) as client:
        before, started = await _told(client.transport.statistics()), time.monotonic()
        async with aclosing(drive(pictures, Insisting(client, retries).faces_of, wishes.requests)) as outcomes:
            async for outcome in outcomes:
                told(outcome)
        seconds = time.monotonic() - started
        return _cost(seconds, before, await _told(settled_counters(client.transport)))


async def _told(counters: Awaitable[Document]) -> Document | str:
    """Give the server's counters, or why there are none: no answer is lost for that."""
    try:
        return await counters
    except BatchproofError as error:
        return error.line()


def _cost(seconds: float, before: Document | str, after: Document | str) -> RunCost:
    if isinstance(before, str) or isinstance(after, str):
        return RunCost(seconds, unknown=before if isinstance(before, str) else str(after))
    return RunCost(seconds, [cost for cost in costs(before, after) if not cost.idle])
