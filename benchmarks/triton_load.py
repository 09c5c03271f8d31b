"""A bundle of Triton under load: `nox -s load -- BUNDLE --images DIR`.

Throughput and latency by the number of clients, then minutes of the same with the server's memory. Writes
reports/triton_load.md and its plot.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from batchproof.deploy.triton.client.driving import Outcome, drive
from batchproof.deploy.triton.client.faces_client import FacesClient, Wishes
from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.deploy.triton.client.statistics import ModelCost, costs, settled_counters
from batchproof.deploy.triton.rehearsal.crowd import crowd
from batchproof.deploy.triton.rehearsal.questions import served_config
from batchproof.deploy.triton.rehearsal.served_bundle import ServedBundle, read_bundle
from batchproof.deploy.triton.server.server import RunningServer, running_server
from batchproof.errors import BatchproofError, StepFailedError
from batchproof.pipeline.pictures import Picture, load_pictures, to_jpeg
from benchmarks.machine import described
from benchmarks.triton_memory import CLIENTS, Soak, draw, soak

_LEVELS = (1, 8, 32)
_PICTURES, _ROUNDS = 64, 3
_LONGEST_SIDE, _QUALITY = 1600, 95
_TOOLS = ("nvidia-pytriton", "tritonclient", "onnxruntime", "numpy", "opencv-python")
_PERCENTILES = (50, 95, 99)


@dataclass
class Load:
    """What so many clients got: milliseconds of every request, and the seconds of every round."""

    clients: int
    milliseconds: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    costs: list[ModelCost] = field(default_factory=list)

    @property
    def pictures_a_second(self) -> float:
        """Of the fastest round: other work on the machine only slows."""
        return _PICTURES / min(self.seconds)


def measure(bundle: ServedBundle, pictures: Sequence[Picture], minutes: float) -> tuple[list[Load], Soak, Load]:
    """Serve the bundle, load it level by level in turns, then soak it; last, the pipeline in this process."""
    asked = crowd(pictures, _PICTURES)
    files = [to_jpeg(picture.pixels, _LONGEST_SIDE, _QUALITY) for picture in asked]
    with running_server(bundle.repository, bundle.options) as server:
        config = served_config(server.endpoints)
        loads, soaked = asyncio.run(_loaded(server, files, minutes))
    return loads, soaked, _in_process(bundle, config, asked)


async def _loaded(server: RunningServer, files: Sequence[bytes], minutes: float) -> tuple[list[Load], Soak]:
    wishes = Wishes(requests=max(_LEVELS))
    async with FacesClient(f"grpc://{server.endpoints.grpc}", wishes) as client:
        return await _levels(client, files), await soak(server, client, files, minutes * 60)


async def _levels(client: FacesClient, files: Sequence[bytes]) -> list[Load]:
    loads = [Load(clients) for clients in _LEVELS]
    await _round(client, files, max(_LEVELS))  # whatever is done once
    for _ in range(_ROUNDS):
        for load in loads:
            before, started = await settled_counters(client.transport), time.perf_counter()
            outcomes = await _round(client, files, load.clients)
            load.seconds.append(time.perf_counter() - started)
            load.milliseconds += [outcome.milliseconds for outcome in outcomes]
            load.costs = costs(before, await settled_counters(client.transport))
    return loads


async def _round(client: FacesClient, files: Sequence[bytes], clients: int) -> list[Outcome[bytes, ServedFaces]]:
    async def one(file: bytes) -> ServedFaces:
        return (await client.faces_of_files([file]))[0]

    found = [outcome async for outcome in drive(files, one, clients)]
    failed = next((outcome.error for outcome in found if outcome.error is not None), None)
    if failed is not None:
        raise StepFailedError(f"a picture got no answer ({failed})")
    return found


def _in_process(bundle: ServedBundle, config: dict[str, object], pictures: Sequence[Picture]) -> Load:
    """The pipeline without a server, one picture after the other; decoding is left out."""
    pipeline, alone = bundle.reference(config), Load(clients=1)
    for picture in pictures:  # whatever is done once
        pipeline.run([picture.pixels])
    for _ in range(_ROUNDS):
        milliseconds = []
        for picture in pictures:
            started = time.perf_counter()
            pipeline.run([picture.pixels])
            milliseconds.append((time.perf_counter() - started) * 1e3)
        alone.milliseconds += milliseconds
        alone.seconds.append(sum(milliseconds) / 1e3)
    return alone


def markdown(bundle: ServedBundle, loads: Sequence[Load], soaked: Soak, alone: Load, plot: str) -> str:
    """Return the report."""
    one = loads[0]
    rows = "".join(_row(load, one) for load in loads)
    percentiles = " | ".join(f"{value:.0f}" for value in np.percentile(alone.milliseconds, _PERCENTILES))
    reference = f"| no server, in this process | {alone.pictures_a_second:.2f} | | {percentiles} | | |\n"
    first, last = soaked.mean_mib(0.1, 0.3), soaked.mean_mib(0.8, 1.0)
    return f"""# Triton under load

{described(_TOOLS)} tritonserver ran on the same cores as its clients, {_what(bundle)}.

{_PICTURES} different pictures as JPEG over gRPC, by {len(loads)} numbers of clients that take turns, {_ROUNDS} times:
the fastest round, and the latencies of all. One client sends the same pictures one by one. Where more ask, each waits
for the others on the same cores, so latency grows with them. What batches gain is the third column.

| Clients | Pictures/s | Against one by one | p50 ms | p95 ms | p99 ms | Frames in a run of faces | Images in a run |
|---|---|---|---|---|---|---|---|
{reference}{rows}
## Memory

{CLIENTS} clients for {soaked.readings[-1].seconds / 60:.1f} minutes: {soaked.answered} requests answered,
{soaked.failed} not. Private memory of server and models: {first:.0f} MiB between a tenth and three tenths of the time,
{last:.0f} MiB in its last fifth.

![memory]({plot})
"""


def _what(bundle: ServedBundle) -> str:
    models = ", ".join(network.model for network in bundle.networks)
    if bundle.has_stand_ins:
        return f"stand-ins for the backend {bundle.backend} executing {models}"
    return f"executing {models} on ONNX Runtime in its Python backend"


def _row(load: Load, one: Load) -> str:
    percentiles = " | ".join(f"{value:.0f}" for value in np.percentile(load.milliseconds, _PERCENTILES))
    ratio = load.pictures_a_second / one.pictures_a_second
    faces = next((f"{cost.mean_batch:.1f}" for cost in load.costs if cost.model == "faces"), "")
    networks = ", ".join(f"{cost.model} {cost.mean_batch:.1f}" for cost in load.costs if cost.model != "faces")
    return f"| {load.clients} | {load.pictures_a_second:.2f} | {ratio:.2f} | {percentiles} | {faces} | {networks} |\n"


def main() -> None:
    """Load a bundle, and write the report to another folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.triton_load", description=__doc__)
    parser.add_argument("bundle", type=Path, help="a bundle that batchproof deploy triton has written")
    parser.add_argument("--images", type=Path, help="folder of pictures with faces (default: those of insightface)")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long to watch the memory (default: 5)")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder to write to (default: reports)")
    given = parser.parse_args()
    bundle = read_bundle(given.bundle)
    loads, soaked, alone = measure(bundle, load_pictures(given.images), given.minutes)
    given.reports.mkdir(parents=True, exist_ok=True)
    draw(soaked, given.reports / "triton_memory.svg")
    report = given.reports / "triton_load.md"
    report.write_text(markdown(bundle, loads, soaked, alone, "triton_memory.svg"), encoding="utf-8")
    print(report)


if __name__ == "__main__":
    try:
        main()
    except BatchproofError as error:
        sys.exit(f"triton_load: {error.line()}")
