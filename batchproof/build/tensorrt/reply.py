"""What a worker's reply says about the engine that it has built, or why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from batchproof.artifacts.output_file import unwritable
from batchproof.build.execution import Execution
from batchproof.build.provenance import gpu
from batchproof.build.tensorrt.compat import Absent
from batchproof.build.tensorrt.device import OnDevice
from batchproof.build.tensorrt.messages import NetworkTensor, Reply, Request
from batchproof.build.tensorrt.options import without_effect
from batchproof.build.tensorrt.summary import EngineSummary, EngineTensor
from batchproof.build.tensorrt.timing_cache import CacheUse
from batchproof.errors import StepFailedError
from batchproof.profile import EngineProfiles, Shapes
from batchproof.zoo.spec import ModelSpec


def require_built(reply: Reply, output: Path) -> Reply:
    """Return what was built, or raise what the worker met instead.

    Raises `StepNotRunError` when the backend is installed and does not load, `StepFailedError`, or `StoreError` for the
    disk.
    """
    if "absent" in reply:
        raise Absent(**reply["absent"]).error
    if "unwritable" in reply:
        raise unwritable(output, reply["unwritable"])
    if "failed" in reply:
        raise StepFailedError(reply["failed"]["what"], remedy=reply["failed"]["remedy"])
    return dict(reply["built"])


def summarised(
    built: Reply,
    request: Request,
    profiles: EngineProfiles,
    tensors: tuple[EngineTensor, ...],
    timing_cache: CacheUse | None,
) -> EngineSummary:
    """Put together what is known of a built engine."""
    return EngineSummary(
        backend=request.backend,
        version=built["version"],
        precision=request.precision,
        profiles=tuple(profile.text for profile in profiles),
        options=request.options,
        without_effect=without_effect(request.backend, request.options),
        timing_cache=timing_cache,
        seconds=built["seconds"],
        bytes=built["bytes"],
        peak_memory_bytes=built["peak_memory_bytes"],
        tensors=tensors,
        tensor_types=dict(Counter(built["types"].values())),
        warnings=tuple(built["warnings"]),
        gpu=gpu(),
        on_gpu=_on_gpu(built["on_gpu"]),
    )


def _on_gpu(data: Mapping[str, Any]) -> OnDevice:
    executions = tuple(Execution(**{**found, "shape": tuple(found["shape"])}) for found in data["executions"])
    return OnDevice(**{**data, "executions": executions})


def described(built: Reply, profiles: EngineProfiles, spec: ModelSpec) -> Iterator[EngineTensor]:
    """Describe inputs, then outputs, with their shapes in each profile.

    Raises `StepFailedError` for a tensor that cannot have the shapes that `spec` promises.
    """
    images = tuple(profile.input_shapes(spec) for profile in profiles)
    expected = {output.name: tuple(p.output_shapes(spec, output) for p in profiles) for output in spec.outputs}
    for data in built["inputs"]:
        yield _tensor(NetworkTensor.read(data), "input", images)
    for data in built["outputs"]:
        yield _tensor(NetworkTensor.read(data), "output", expected.get(data["name"]))


def _tensor(tensor: NetworkTensor, mode: Literal["input", "output"], shapes: tuple[Shapes, ...] | None) -> EngineTensor:
    """Describe one tensor; the builder says nothing about a flattened or fixed batch, so it is refused here."""
    for shape in (shape for profile in shapes or () for shape in (profile.minimum, profile.maximum)):
        if not tensor.takes(shape):
            raise StepFailedError(
                f"{mode} '{tensor.name}' is {list(tensor.dims)} in the network, expected {list(shape)}",
                remedy="Run surgery first, which repairs the batch axis",
            )
    return EngineTensor(tensor.name, mode, tensor.dtype, tensor.dims, shapes)
