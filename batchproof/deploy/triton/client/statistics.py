"""What a run has cost the server, by its own counters: those after it less those before."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from batchproof.deploy.triton.client.transport.protocol import Document, Transport

# So long, at most, is waited for counters that still grow.
_LOOKS, _BETWEEN_LOOKS = 10, 0.1
_NANOSECONDS = 1e6  # in a millisecond
_COMPUTING = ("compute_input", "compute_infer", "compute_output")

HEADS = ("model", "asked", "failed", "images", "runs", "a run", "queue", "compute")
"""`a run` is images in one; queue and compute are milliseconds of a request. Short, for terminals of 80 letters."""


@dataclass(frozen=True)
class ModelCost:
    """One model's work: `images` is what Triton calls inferences, `runs` its executions.

    `batches` counts the runs of each batch size. `queue_ms` and `compute_ms` are means over the answered requests.
    """

    model: str
    requests: int
    failed: int
    images: int
    runs: int
    queue_ms: float
    compute_ms: float
    batches: Mapping[int, int]

    @property
    def idle(self) -> bool:
        """Whether nobody has asked it for anything."""
        return not self.requests and not self.failed

    @property
    def mean_batch(self) -> float:
        """Images in a run; 0 when there was none."""
        return self.images / self.runs if self.runs else 0.0


def costs(before: Document, after: Document) -> list[ModelCost]:
    """Say for each model what it has done; versions of one model are added up."""
    earlier = _counters(before)
    found = []
    for model, counted in _counters(after).items():
        begun = earlier.get(model, {})
        # Started anew, it has counted from zero.
        since = {name: value - begun.get(name, 0) for name, value in counted.items()}
        found.append(_cost(model, counted if min(since.values()) < 0 else since))
    return found


async def settled_counters(transport: Transport) -> Document:
    """Return the server's counters once they no longer grow: it counts a request after it has answered it."""
    found = await transport.statistics()
    for _ in range(_LOOKS):
        await asyncio.sleep(_BETWEEN_LOOKS)
        earlier, found = found, await transport.statistics()
        if all(cost.idle for cost in costs(earlier, found)):
            break
    return found


def rows(found: Iterable[ModelCost]) -> list[list[str]]:
    """Write each as cells below `HEADS`."""
    return [
        [
            cost.model,
            *map(str, (cost.requests, cost.failed, cost.images, cost.runs)),
            *(f"{figure:.2f}" for figure in (cost.mean_batch, cost.queue_ms, cost.compute_ms)),
        ]
        for cost in found
    ]


def batch_lines(found: Iterable[ModelCost]) -> list[str]:
    """Say of each how many runs had how many images."""
    return [f"{cost.model}: {', '.join(f'{runs} of {size}' for size, runs in cost.batches.items())}" for cost in found]


def _cost(model: str, counted: Mapping[str, int]) -> ModelCost:
    requests = counted["success"]
    each = _NANOSECONDS * max(requests, 1)
    batches = {int(name.removeprefix("batch ")): runs for name, runs in counted.items() if name.startswith("batch ")}
    return ModelCost(
        model=model,
        requests=requests,
        failed=counted["fail"],
        images=counted["images"],
        runs=counted["runs"],
        queue_ms=counted["queue_ns"] / each,
        compute_ms=sum(counted[f"{part}_ns"] for part in _COMPUTING) / each,
        batches={size: batches[size] for size in sorted(batches) if batches[size]},
    )


def _counters(document: Document) -> dict[str, dict[str, int]]:
    """Every counter of every model; they only grow."""
    models: dict[str, dict[str, int]] = {}
    for described in document.get("model_stats", ()):
        own = models.setdefault(str(described["name"]), {})
        for name, value in _of_one(described):
            own[name] = own.get(name, 0) + value
    return models


def _of_one(described: Document) -> Iterable[tuple[str, int]]:
    timed = described.get("inference_stats", {})
    for outcome in ("success", "fail"):
        yield outcome, int(timed.get(outcome, {}).get("count", 0))
    for part in ("queue", *_COMPUTING):
        yield f"{part}_ns", int(timed.get(part, {}).get("ns", 0))
    yield "images", int(described.get("inference_count", 0))
    yield "runs", int(described.get("execution_count", 0))
    for batch in described.get("batch_stats", ()):
        yield f"batch {int(batch['batch_size'])}", int(batch["compute_infer"].get("count", 0))
