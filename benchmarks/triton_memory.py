"""Minutes of one load on a server of Triton, and the memory of its processes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path

import numpy as np

from batchproof.deploy.triton.client.driving import drive
from batchproof.deploy.triton.client.faces_client import FacesClient
from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.deploy.triton.server import shared_memory
from batchproof.deploy.triton.server.server import RunningServer

CLIENTS = 8


@dataclass(frozen=True)
class Reading:
    """Bytes that server and models' processes have each for themselves, and share, so long after the beginning."""

    seconds: float
    private: int
    shared: int


@dataclass(frozen=True)
class Soak:
    """Minutes of the same load: the readings, how many requests were answered, and how many were not."""

    readings: Sequence[Reading]
    answered: int
    failed: int

    def mean_mib(self, first: float, last: float) -> float:
        """Mean of private memory in MiB between two parts of the whole time."""
        until = self.readings[-1].seconds
        chosen = [one.private for one in self.readings if first * until <= one.seconds <= last * until]
        return float(np.mean(chosen)) / 2**20


async def soak(server: RunningServer, client: FacesClient, files: Sequence[bytes], seconds: float) -> Soak:
    """Ask for one file after the other, by `CLIENTS` at a time, and look at the memory once a second."""
    started = time.monotonic()

    def passed() -> float:
        return time.monotonic() - started

    endless = (files[index % len(files)] for index in takewhile(lambda _: passed() < seconds, count()))
    readings, answered, failed = [_reading(server, 0.0)], 0, 0

    async def one(file: bytes) -> ServedFaces:
        return (await client.faces_of_files([file]))[0]

    async with contextlib.aclosing(drive(endless, one, CLIENTS)) as outcomes:
        async for outcome in outcomes:
            answered, failed = answered + (outcome.error is None), failed + (outcome.error is not None)
            if passed() - readings[-1].seconds > 1:
                readings.append(_reading(server, passed()))
    return Soak(readings, answered, failed)


def _reading(server: RunningServer, seconds: float) -> Reading:
    import psutil

    process = psutil.Process(server.pid)
    family = [process, *process.children(recursive=True)]
    private = sum(one.memory_full_info().uss for one in family)
    shared = sum(region.stat().st_blocks * 512 for region in shared_memory.regions(server.memory_prefix))
    return Reading(seconds, private, shared)


def draw(found: Soak, file: Path) -> None:
    """Draw memory over time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    seconds = [one.seconds / 60 for one in found.readings]
    axes.plot(seconds, [one.private / 2**20 for one in found.readings], label="private memory of all processes")
    axes.plot(seconds, [one.shared / 2**20 for one in found.readings], label="shared memory")
    axes.set(xlabel="minutes", ylabel="MiB", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(file, metadata={"Date": None})
