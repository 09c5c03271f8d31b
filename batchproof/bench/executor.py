"""What executes a candidate: it makes a batch ready, and returns what runs it again and again."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from batchproof.artifacts import onnx_file
from batchproof.bench.candidate import Candidate
from batchproof.bench.engine_process import EngineExecutor, order_for
from batchproof.bench.images import repeated_noise
from batchproof.bench.turns import Repeatable
from batchproof.build.limited_runner import LimitedRunner, Limits
from batchproof.build.onnxruntime.provider import provider_options
from batchproof.build.provenance import gpu
from batchproof.errors import StepNotRunError
from batchproof.profile_text import Size
from batchproof.providers import obstacle
from batchproof.runtime import OnnxRuntimeRunner


class Executor(Protocol):
    """A candidate, loaded."""

    @property
    def name(self) -> str:
        """Say what executes."""
        ...

    def ready(self, batch: int) -> tuple[Repeatable, Repeatable]:
        """Run a batch once; return the same run with host transfer, and without.

        Raises `StepFailedError` for a batch that cannot be executed, or costs too much. Batches come ascending.
        """
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class OnnxRuntimeExecutor:
    """A session file on the processor, or a graph on another provider of ONNX Runtime."""

    def __init__(self, candidate: Candidate, size: Size, largest: int, threads: int | None, limits: Limits) -> None:
        """Open it for batches up to `largest`; raises what `OnnxRuntimeRunner` raises."""
        self._runner = _runner(candidate, threads)
        # What a provider on a device has for memory nobody here can tell: it says itself when it is not enough.
        bounds = limits if candidate.on_cpu else Limits(memory_bytes=2**63, seconds=limits.seconds)
        graph = onnx_file.read(candidate.root / candidate.graph)
        self._limited = LimitedRunner(lambda: self._runner, graph, bounds, warmed_up=not candidate.on_cpu)
        self._images = repeated_noise(candidate.spec.input, largest, size)

    @property
    def name(self) -> str:
        """Provider and optimiser state."""
        return self._runner.name

    def ready(self, batch: int) -> tuple[Repeatable, Repeatable]:
        """Run a batch as it is and by I/O binding."""
        images = self._images[:batch]
        bound = self._runner.bound(images, self._limited.infer(images))
        return partial(self._runner.infer, images), bound

    def close(self) -> None:
        """Nothing to do: a session goes with its last user."""


def open_executor(candidate: Candidate, size: Size, largest: int, threads: int | None, limits: Limits) -> Executor:
    """Load a candidate for batches up to `largest` images of `size`, on the processor within `limits`.

    Raises `StepNotRunError` for what nothing here executes, and `StepFailedError` for what does not load.
    """
    if candidate.target.builder == "ort":
        return OnnxRuntimeExecutor(candidate, size, largest, threads, limits)
    if gpu() is None:
        raise StepNotRunError("this machine has no CUDA driver, and nothing else executes an engine")
    return EngineExecutor(order_for(candidate, size, largest))


def _runner(candidate: Candidate, threads: int | None) -> OnnxRuntimeRunner:
    graph = candidate.root / candidate.graph
    if candidate.built is not None:
        return OnnxRuntimeRunner(candidate.root / candidate.built, threads=threads)
    if candidate.on_cpu:
        return OnnxRuntimeRunner(graph, threads=threads)
    provider = candidate.target.provider
    found = obstacle(provider)
    if found is not None:
        raise StepNotRunError(str(found))
    image, profile = onnx_file.read_graph(graph).graph.input[0].name, candidate.profiles[0]
    options = provider_options(provider, image, profile.input_shapes(candidate.spec))
    return OnnxRuntimeRunner(graph, provider=provider, options=options, threads=threads)
