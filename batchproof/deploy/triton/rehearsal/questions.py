"""What a rehearsal asks a server: each picture alone, all of them at once, and what it must refuse."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import numpy as np

from batchproof.deploy.triton.client.driving import drive
from batchproof.deploy.triton.client.faces_client import FacesClient, Wishes
from batchproof.deploy.triton.client.faults import RefusedError
from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.deploy.triton.client.statistics import ModelCost, costs, settled_counters
from batchproof.deploy.triton.server.endpoints import Endpoints
from batchproof.deploy.triton.serving.contract import MODEL
from batchproof.errors import StepFailedError
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import Picture

_PATIENCE = 600.0  # seconds for one answer: whatever a crowd waits for each other on a small machine
# What is no picture, and begins like one.
_REFUSED = {"no picture": b"no picture", "half a file": b"\xff\xd8\xff\xe0\x00\x10JFIF", "an empty file": b""}


@dataclass(frozen=True)
class Answers:
    """What a server has said: of every picture `alone`, and of all at once, `together`, both in their order.

    `costs_alone` and `costs` are what that has cost each model, and `answered` which of the questions that must be
    refused were not.
    """

    alone: Sequence[ServedFaces]
    together: Sequence[ServedFaces]
    costs_alone: Sequence[ModelCost]
    costs: Sequence[ModelCost]
    answered: Sequence[str]


def ask(endpoints: Endpoints, pictures: Sequence[Picture]) -> Answers:
    """Ask for every picture alone, then for all at once; raises `StepFailedError` for one that gets no answer."""
    return asyncio.run(_ask(f"grpc://{endpoints.grpc}", pictures))


def served_config(endpoints: Endpoints) -> dict[str, Any]:
    """Return the configuration of `faces` as the server has read it."""
    with contextlib.closing(HTTPConnection(endpoints.http, timeout=_PATIENCE)) as connection:
        connection.request("GET", f"/v2/models/{MODEL}/config")
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found


async def _ask(url: str, pictures: Sequence[Picture]) -> Answers:
    async with FacesClient(url, Wishes(send="frames", requests=len(pictures), timeout=_PATIENCE)) as client:
        answered = [name for name, content in _REFUSED.items() if not await _is_refused(client, content)]
        alone, costs_alone = await _counted(client, pictures, 1)
        together, costs_together = await _counted(client, pictures, len(pictures))
        return Answers(alone, together, costs_alone, costs_together, answered)


async def _counted(
    client: FacesClient, pictures: Sequence[Picture], clients: int
) -> tuple[list[ServedFaces], list[ModelCost]]:
    before = await settled_counters(client.transport)
    found = await _answers(client, pictures, clients)
    return found, costs(before, await settled_counters(client.transport))


async def _answers(client: FacesClient, pictures: Sequence[Picture], clients: int) -> list[ServedFaces]:
    async def one(index: int) -> ServedFaces:
        frame: Pixels = pictures[index].pixels
        return (await client.faces_of_frames(np.asarray(frame)[None]))[0]

    found: dict[int, ServedFaces] = {}
    async with contextlib.aclosing(drive(range(len(pictures)), one, clients)) as outcomes:
        async for outcome in outcomes:
            if outcome.answer is None:
                raise StepFailedError(
                    f"the server gives no answer ({outcome.error})", where=pictures[outcome.item].name
                )
            found[outcome.item] = outcome.answer
    return [found[index] for index in range(len(pictures))]


async def _is_refused(client: FacesClient, content: bytes) -> bool:
    try:
        await client.faces_of_files([content])
    except RefusedError:
        return True
    return False
