"""Executing a built engine at every shape of its profiles, next to ONNX Runtime on the graph that it was built from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from math import isinf
from pathlib import Path

from batchproof.artifacts import onnx_file
from batchproof.build import output_check
from batchproof.build.activation_memory import peak_activation_bytes
from batchproof.build.onnxruntime.session import Limits
from batchproof.errors import StepFailedError
from batchproof.profile import Shape, Shapes
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs, Runner, noise
from batchproof.zoo.spec import InputSpec

# Opens an engine with one of its profiles in force, by number.
OpenProfile = Callable[[int], AbstractContextManager[Runner]]
# ONNX Runtime's arena rounds up and keeps: measured 2.2 times the activations alive at once, taken as 3.
_ARENA_FACTOR = 3
# What CUDA, TensorRT and ONNX Runtime call it.
_NO_MEMORY = ("out of memory", "outofmemory", "failed to allocate memory", "is smaller than requested bytes")


@dataclass(frozen=True)
class Execution:
    """One shape in one profile of an engine.

    `problem` is what went wrong, `skipped` why it was not executed for want of memory. `difference` is the largest one
    to ONNX Runtime, at output `witness`; None with the reason in `not_compared`.
    """

    profile: int
    shape: Shape
    seconds: float | None = None
    problem: str | None = None
    skipped: str | None = None
    difference: float | None = None
    witness: str | None = None
    not_compared: str | None = None


class Reference:
    """ONNX Runtime on the graph that an engine was built from, as far as this machine's memory and patience go."""

    def __init__(self, model: Path, limits: Limits) -> None:
        self._model = model
        self._graph = onnx_file.read(model)
        self._limits = limits
        self._seconds_per_value = 0.0

    @cached_property
    def _runner(self) -> OnnxRuntimeRunner:
        return OnnxRuntimeRunner(self._model)

    def outputs(self, images: Blob) -> Outputs:
        """Run one batch; raises `StepFailedError` when it would cost too much, or ONNX Runtime refuses it."""
        self._check_cost(images)
        runner, began = self._runner, time.perf_counter()
        outputs = runner.infer(images)
        self._seconds_per_value = (time.perf_counter() - began) / images.size
        return outputs

    def _check_cost(self, images: Blob) -> None:
        memory = _ARENA_FACTOR * peak_activation_bytes(self._graph, images.shape)
        if memory > self._limits.memory_bytes:
            raise StepFailedError(f"ONNX Runtime would need about {memory / 1e9:.1f} GB of memory")
        seconds = self._seconds_per_value * images.size
        if seconds > self._limits.seconds:
            raise StepFailedError(f"ONNX Runtime would take about {seconds:.0f} s")


def execute(
    opened: OpenProfile, reference: Reference, profiles: Sequence[Shapes], image: InputSpec
) -> Iterator[Execution]:
    """Execute an engine on noise at minimum, optimum and maximum of each profile, and compare each batch."""
    for number, shapes in enumerate(profiles):
        with opened(number) as runner:
            for shape in dict.fromkeys((shapes.minimum, shapes.optimum, shapes.maximum)):
                yield _executed(runner, reference, number, noise(image, shape[0], *shape[2:]))


def _executed(runner: Runner, reference: Reference, profile: int, images: Blob) -> Execution:
    began = time.perf_counter()
    try:
        outputs = runner.infer(images)
    except StepFailedError as error:
        wants_memory = any(sign in error.what.lower() for sign in _NO_MEMORY)
        problem, skipped = (None, error.what) if wants_memory else (error.what, None)
        return Execution(profile, images.shape, problem=problem, skipped=skipped)
    seconds = round(time.perf_counter() - began, 4)
    problem = output_check.problem(outputs, len(images))
    if problem is not None:
        return Execution(profile, images.shape, seconds, problem)
    try:
        difference, witness = output_check.largest_difference(outputs, reference.outputs(images))
    except StepFailedError as error:
        return Execution(profile, images.shape, seconds, not_compared=error.what)
    if isinf(difference):
        problem = f"output '{witness}' is of another shape than ONNX Runtime's, or that one is not finite"
        return Execution(profile, images.shape, seconds, problem)
    return Execution(profile, images.shape, seconds, difference=difference, witness=witness)
