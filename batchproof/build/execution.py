"""Executing what was built at every shape of its profiles, next to ONNX Runtime on the graph that it was built from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from math import isinf

from batchproof.build import output_check
from batchproof.build.limited_runner import TooCostlyError
from batchproof.errors import StepFailedError
from batchproof.profile import Shape, Shapes
from batchproof.runtime import Blob, Outputs, Runner, noise
from batchproof.zoo.spec import InputSpec

# Opens an engine with one of its profiles in force, by number.
OpenProfile = Callable[[int], AbstractContextManager[Runner]]
# What CUDA, TensorRT and ONNX Runtime call it.
_NO_MEMORY = ("out of memory", "outofmemory", "failed to allocate memory", "is smaller than requested bytes")


@dataclass(frozen=True)
class Execution:
    """One shape in one profile of an engine.

    `problem` is what went wrong, `skipped` why it was not executed for want of memory or time. `difference` is the
    largest one to ONNX Runtime, at output `witness`; None where nobody asked, or with the reason in `not_compared`.
    """

    profile: int
    shape: Shape
    seconds: float | None = None
    problem: str | None = None
    skipped: str | None = None
    difference: float | None = None
    witness: str | None = None
    not_compared: str | None = None


def execute(
    opened: OpenProfile, reference: Runner, profiles: Sequence[Shapes], image: InputSpec
) -> Iterator[Execution]:
    """Execute an engine on noise at minimum, optimum and maximum of each profile, and compare each batch."""
    for number, shapes in enumerate(profiles):
        with opened(number) as runner:
            for shape in dict.fromkeys((shapes.minimum, shapes.optimum, shapes.maximum)):
                yield execute_batch(runner, noise(image, shape[0], *shape[2:]), reference, profile=number)


def execute_batch(runner: Runner, images: Blob, reference: Runner | None, *, profile: int = 0) -> Execution:
    """Execute one batch, and compare it with what `reference` makes of it; None: it is not to be compared."""
    began = time.perf_counter()
    try:
        outputs = runner.infer(images)
    except StepFailedError as error:
        problem, skipped = (None, error.what) if _wants_memory_or_time(error) else (error.what, None)
        return Execution(profile, images.shape, problem=problem, skipped=skipped)
    ran = Execution(profile, images.shape, round(time.perf_counter() - began, 4))
    problem = output_check.problem(outputs, len(images))
    if problem is not None:
        return replace(ran, problem=problem)
    return ran if reference is None else _compared(ran, outputs, images, reference)


def _wants_memory_or_time(error: StepFailedError) -> bool:
    return isinstance(error, TooCostlyError) or any(sign in error.what.lower() for sign in _NO_MEMORY)


def _compared(ran: Execution, outputs: Outputs, images: Blob, reference: Runner) -> Execution:
    try:
        difference, witness = output_check.largest_difference(outputs, reference.infer(images))
    except StepFailedError as error:
        return replace(ran, not_compared=error.what)
    if isinf(difference):
        problem = f"output '{witness}' is of another shape than ONNX Runtime's, or that one is not finite"
        return replace(ran, problem=problem)
    return replace(ran, difference=difference, witness=witness)
