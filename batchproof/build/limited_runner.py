"""ONNX Runtime on the CPU of the building machine, as far as its memory and patience go."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import onnx

from batchproof.artifacts import onnx_file
from batchproof.build.activation_memory import peak_activation_bytes
from batchproof.errors import StepFailedError
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs, Runner

# ONNX Runtime's arena rounds up and keeps: measured 2.2 times the activations alive at once, taken as 3.
_ARENA_FACTOR = 3


@dataclass(frozen=True)
class Limits:
    """What a single execution may cost on the building machine: bytes of memory, and seconds."""

    memory_bytes: int = 6 * 10**9
    seconds: float = 30.0


class TooCostlyError(StepFailedError):
    """A batch was not executed, because it would cost more than the limits allow."""


class LimitedRunner:
    """A `runtime.Runner` that refuses batches beyond `limits`; `graph` is what it runs, by which they are told.

    Opened at the first batch that is not refused. `warmed_up` runs every batch once before it is timed: what a GPU does
    once for a shape, such as the choice of algorithms, takes seconds and says nothing of the next batch.
    """

    def __init__(
        self, opened: Callable[[], Runner], graph: onnx.ModelProto, limits: Limits, *, warmed_up: bool = False
    ) -> None:
        self._opened, self._graph, self._limits, self._warmed_up = opened, graph, limits, warmed_up
        self._seconds_per_value = 0.0

    @cached_property
    def _runner(self) -> Runner:
        return self._opened()

    @property
    def name(self) -> str:
        """Say what executes."""
        return self._runner.name

    def infer(self, images: Blob) -> Outputs:
        """Run one batch; raises `TooCostlyError`, or `StepFailedError` when ONNX Runtime refuses it."""
        self._check_cost(images)
        runner = self._runner
        if self._warmed_up:
            runner.infer(images)
        began = time.perf_counter()
        outputs = runner.infer(images)
        self._seconds_per_value = (time.perf_counter() - began) / images.size
        return outputs

    def _check_cost(self, images: Blob) -> None:
        memory, limit = _ARENA_FACTOR * peak_activation_bytes(self._graph, images.shape), self._limits.memory_bytes
        if memory > limit:
            what = f"ONNX Runtime would need about {memory / 1e9:.1f} GB of memory, the limit is {limit / 1e9:.1f} GB"
            raise TooCostlyError(what)
        seconds = self._seconds_per_value * images.size
        if seconds > self._limits.seconds:
            what = f"ONNX Runtime would take about {seconds:.0f} s, the limit is {self._limits.seconds:.0f} s"
            raise TooCostlyError(what)


def reference(model: Path, limits: Limits, *, optimised: bool = True) -> LimitedRunner:
    """Return ONNX Runtime on the graph that something was built from; raises `InputError` for a file that is none."""
    return LimitedRunner(lambda: OnnxRuntimeRunner(model, optimised=optimised), onnx_file.read(model), limits)
