"""The worker as on a machine with a GPU: TensorRT-RTX builds for real, ONNX Runtime executes in place of CUDA."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from batchproof.build.provenance import Gpu
from batchproof.build.tensorrt import compat, device, worker
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs

LAYERS = {"Layers": [{"Outputs": [{"DataType": "Float"}]}, {"Outputs": [{"DataType": "Half"}]}, "noop"]}


def with_a_gpu() -> None:
    """Say that there is one; nothing that asks it anything will work."""
    vars(device)["gpu"] = lambda: Gpu("stand-in", "8.6", "580.65")


def executing(model: str) -> None:
    """Let the engine behave as `model` does, and its inspector tell `LAYERS`."""
    with_a_gpu()
    load = compat.load

    def load_and_replace(backend: compat.Backend) -> Any:
        tensorrt = load(backend)
        import polygraphy.backend.trt as polygraphy

        polygraphy.TrtRunner = Runner
        return tensorrt

    compat.load = load_and_replace
    device._loaded = lambda path, runtime: Engine(Path(model))


def under_the_name_of_tensorrt() -> None:
    """RTX stands in for enterprise TensorRT, which cannot be installed here."""
    import sys

    import onnxruntime_ep_nv_tensorrt_rtx  # noqa: F401 - brings the libraries
    import tensorrt_rtx_bindings

    tensorrt_rtx_bindings.__version__ = "10.9.0.34"
    sys.modules["tensorrt"] = tensorrt_rtx_bindings


class Engine:
    """An engine that answers as an ONNX graph does."""

    def __init__(self, model: Path) -> None:
        self.model = model

    def create_engine_inspector(self) -> Engine:
        return self

    def get_engine_information(self, layout: object) -> str:
        return json.dumps(LAYERS)


class Runner:
    """What is used of Polygraphy's TrtRunner. Profile 0 takes one image, as the tests build it."""

    def __init__(self, engine: Engine, optimization_profile: int) -> None:
        self.engine, self.profile = engine, optimization_profile

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def infer(self, feed: dict[str, Blob]) -> Outputs:
        from polygraphy.exception import PolygraphyException
        from polygraphy.logger import G_LOGGER

        images = feed["input"]
        if self.profile == 0 and len(images) > 1:
            G_LOGGER.error(f"[E] dimension 0 of {images.shape} is above the maximum of profile 0")
            raise PolygraphyException("see the log")
        return OnnxRuntimeRunner(self.engine.model).infer(images)


main = worker.main
