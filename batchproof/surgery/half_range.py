"""Whether activations fit into half precision. Running FP16 on a CPU cannot show it: that computes in float32."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from batchproof.runtime import Blob, OnnxRuntimeRunner


@dataclass(frozen=True)
class Peak:
    """The largest absolute activation of a graph, and the tensor that has it."""

    amount: float
    tensor: str


def peak_activation(model: onnx.ModelProto, images: Blob) -> Peak:
    """Run the FP32 graph `model` on `images`, one at a time, and return the largest value of any float tensor in it.

    NaN and Inf count as infinite. Raises `StepFailedError` when the graph does not run.
    """
    runner = OnnxRuntimeRunner(_exposed(model).SerializeToString(), optimised=False)
    peaks = [
        Peak(_largest(values), name)
        for index in range(len(images))
        for name, values in runner.infer(images[index : index + 1]).items()
    ]
    return max(peaks, key=lambda peak: peak.amount)


def _exposed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy `model` with every float tensor between its nodes as an output."""
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    inferred = onnx.shape_inference.infer_shapes(model).graph.value_info
    floats = {value.name for value in inferred if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}
    made = [name for node in model.graph.node for name in node.output if name in floats]
    exposed.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in made)
    return exposed


def _largest(values: np.ndarray) -> float:
    largest = float(np.abs(values).max(initial=0.0))
    return largest if np.isfinite(largest) else float("inf")
