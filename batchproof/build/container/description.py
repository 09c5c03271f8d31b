"""What is known of an engine before its container builds it, for whoever deploys it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import onnx

from batchproof.build.job import Job
from batchproof.build.tensorrt.graph_types import tensor_types
from batchproof.build.tensorrt.reply import described
from batchproof.build.tensorrt.summary import FLOAT, HALF, guard_precision
from batchproof.engine_options import EngineOptions

_NAMES = {"FLOAT16": HALF, "FLOAT": FLOAT}


def description(graph: onnx.ModelProto, job: Job, options: EngineOptions) -> dict[str, Any]:
    """Describe the engine as the JSON file beside a built one does, without what only its building tells.

    The weights of `graph` are dropped. Raises `StepFailedError` for a graph that is not typed as `job` says, or whose
    outputs cannot have the shapes that the model promises.
    """
    inputs, outputs = (_declared(values) for values in (graph.graph.input, graph.graph.output))
    tensors = tuple(described({"inputs": inputs, "outputs": outputs}, job.profiles, job.spec))
    types = Counter(_NAMES.get(name, name) for name in tensor_types(graph).values())
    guard_precision(types, job.precision)
    return {
        "target": job.target.name,
        "version": job.target.tensorrt,
        "precision": job.precision,
        "profiles": [profile.text for profile in job.profiles],
        "options": asdict(options),
        "tensors": [asdict(tensor) for tensor in tensors],
    }


def _declared(values: Iterable[onnx.ValueInfoProto]) -> list[dict[str, Any]]:
    return [{"name": value.name, "dtype": _dtype(value), "dims": _dims(value)} for value in values]


def _dtype(value: onnx.ValueInfoProto) -> str:
    name: str = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
    return _NAMES.get(name, name)


def _dims(value: onnx.ValueInfoProto) -> list[int]:
    return [dim.dim_value if dim.HasField("dim_value") else -1 for dim in value.type.tensor_type.shape.dim]
