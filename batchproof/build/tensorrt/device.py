"""A built engine on this machine's GPU: loaded from its file, inspected, executed. Without a GPU it says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from batchproof.build.execution import Execution, execute
from batchproof.build.limited_runner import reference
from batchproof.build.provenance import gpu
from batchproof.build.tensorrt.build_log import BuildLog
from batchproof.build.tensorrt.compat import TensorRT
from batchproof.build.tensorrt.header import require_version
from batchproof.build.tensorrt.layer_types import layer_types
from batchproof.build.tensorrt.messages import Request
from batchproof.errors import BatchproofError, StepFailedError
from batchproof.runtime import Blob, Outputs, Runner


@dataclass(frozen=True)
class OnDevice:
    """What an engine did on the GPU. `absent` says why there is no GPU for it, `problem` why it does not load.

    `layer_types` counts the layers of the engine by type, as `layer_types.layer_types` does; None when nothing ran.
    """

    absent: str | None = None
    problem: str | None = None
    layer_types: Mapping[str, int] | None = None
    executions: tuple[Execution, ...] = field(default=())


def run_on_device(tensorrt: TensorRT, request: Request, log: BuildLog) -> OnDevice:
    """Load the engine that `request` asked for from its file, inspect and execute it; never raises for its faults."""
    from polygraphy.exception import PolygraphyException

    device = gpu()
    if device is None:
        return OnDevice(absent="this machine has no CUDA driver")
    path = Path(request.output)
    try:
        require_version(path, request.backend, tensorrt.version)
        runtime = tensorrt.runtime()
        obstacles = tensorrt.obstacles(path.read_bytes(), runtime)
        if obstacles:
            return OnDevice(absent=f"the {device.name} ({device.capability}) cannot load it: {', '.join(obstacles)}")
        return _used(_loaded(path, runtime), tensorrt, request, log)
    except PolygraphyException as error:
        return OnDevice(problem=log.sentence(str(error)))
    except BatchproofError as error:
        return OnDevice(problem=error.what)


def _loaded(path: Path, runtime: Any) -> Any:
    from polygraphy.backend.trt import EngineFromBytes

    return EngineFromBytes(path.read_bytes(), runtime)()


def _used(engine: Any, tensorrt: TensorRT, request: Request, log: BuildLog) -> OnDevice:
    inspected = engine.create_engine_inspector().get_engine_information(tensorrt.module.LayerInformationFormat.JSON)

    @contextmanager
    def opened(profile: int) -> Iterator[Runner]:
        from polygraphy.backend.trt import TrtRunner

        with TrtRunner(engine, optimization_profile=profile) as runner:
            yield EngineRunner(runner, request.image.name, log)

    cpu = reference(Path(request.model), request.limits)
    executions = tuple(execute(opened, cpu, request.profiles, request.image))
    return OnDevice(layer_types=layer_types(inspected), executions=executions)


class EngineRunner:
    """An active TrtRunner of Polygraphy as a `runtime.Runner`."""

    def __init__(self, runner: Any, input_name: str, log: BuildLog) -> None:
        self._runner, self._input, self._log = runner, input_name, log

    @property
    def name(self) -> str:
        """Say what executes."""
        return "engine on the GPU"

    def infer(self, images: Blob) -> Outputs:
        """Run one batch; raises `StepFailedError` with TensorRT's own sentence."""
        from polygraphy.exception import PolygraphyException

        self._log.errors.clear()
        try:
            outputs = self._runner.infer({self._input: images})
        except PolygraphyException as error:
            raise StepFailedError(self._log.sentence(str(error))) from error
        # Polygraphy writes the next batch into the same buffers.
        return {name: np.array(output, np.float32) for name, output in outputs.items()}
