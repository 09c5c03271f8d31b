"""The process that times an engine as on a machine with a GPU: ONNX Runtime executes in place of CUDA."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from batchproof.bench import engine_worker
from batchproof.bench.engine_order import Order
from batchproof.build.tensorrt import compat
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs

COMMAND = (sys.executable, "-m", "tests.bench.engine_stand_in")
LARGEST = 2  # beyond it there is no memory


class Runner:
    """What is used of Polygraphy's TrtRunner."""

    def __init__(self, engine: OnnxRuntimeRunner, optimization_profile: int) -> None:
        self.engine = engine

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def infer(self, feed: dict[str, Blob | Array], *, check_inputs: bool, copy_outputs_to_host: bool) -> Outputs:
        from polygraphy.exception import PolygraphyException

        images = feed["input"]
        if isinstance(images, Array) == copy_outputs_to_host:
            raise PolygraphyException("input and outputs are not on the same side")
        if images.shape[0] > LARGEST:
            raise PolygraphyException("out of memory")
        print("TensorRT prints")
        return self.engine.infer(images.content if isinstance(images, Array) else images)


class Array:
    """What is used of Polygraphy's DeviceArray."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape, self.content = shape, np.empty(shape, dtype)

    def __enter__(self) -> Array:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def copy_from(self, images: Blob) -> None:
        self.content[:] = images


def load(order: Order, tensorrt: compat.TensorRT) -> OnnxRuntimeRunner:
    """The tests write a graph where the engine would be."""
    import polygraphy.backend.trt
    import polygraphy.cuda

    polygraphy.backend.trt.TrtRunner = Runner
    polygraphy.cuda.DeviceArray = Array
    return OnnxRuntimeRunner(Path(order.path).read_bytes())


if __name__ == "__main__":
    engine_worker.load = load
    engine_worker.main()
