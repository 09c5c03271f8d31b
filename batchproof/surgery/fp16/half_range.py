"""What half precision cannot hold: values beyond its range, and tensors that disappear below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from batchproof.runtime import Blob, OnnxRuntimeRunner
from batchproof.surgery.fp16.summary import LARGEST_HALF, constants_of, tensor_types

SMALLEST_NORMAL_HALF = 2.0**-14
"""Below, a half loses one of its eleven bits with every halving."""


@dataclass(frozen=True)
class Peak:
    """The largest absolute value of a tensor."""

    amount: float
    tensor: str


@dataclass(frozen=True)
class Unfit:
    """A node that reads or makes a tensor which half cannot hold: `limit` is the bound that `peak` is beyond."""

    node: str
    peak: Peak
    limit: float

    @property
    def sentence(self) -> str:
        """Say it in one sentence."""
        if self.peak.amount > self.limit:
            return f"'{self.peak.tensor}' reaches {self.peak.amount:.6g}, and the largest half is {self.limit:g}"
        return f"'{self.peak.tensor}' stays below {self.peak.amount:.6g}, and halves lose bits below {self.limit:g}"


def activation_peaks(model: onnx.ModelProto, images: Blob) -> dict[str, float]:
    """Run the FP32 graph `model` on `images`, one at a time, and return the largest value of each float tensor in it.

    NaN and Inf count as infinite. Raises `StepFailedError` when the graph does not run.
    """
    runner = OnnxRuntimeRunner(_exposed(model).SerializeToString(), optimised=False)
    peaks: dict[str, float] = {}
    for index in range(len(images)):
        for name, values in runner.infer(images[index : index + 1]).items():
            peaks[name] = max(peaks.get(name, 0.0), _largest(values))
    return peaks


def peak_in_half(converted: onnx.ModelProto, peaks: Mapping[str, float]) -> Peak:
    """Return the largest of those `peaks` whose tensors the FP16 graph `converted` stores as half; zero for none."""
    types = tensor_types(converted)
    stored = {name for name, dtype in types.items() if dtype == onnx.TensorProto.FLOAT16}
    for node in converted.graph.node:
        if node.op_type == "Cast" and stored.intersection((*node.input, *node.output)):
            stored |= {*node.input, *node.output}
    found = (Peak(peak, name) for name, peak in peaks.items() if name in stored)
    return max(found, key=lambda peak: peak.amount, default=Peak(0.0, ""))


def overflowing(model: onnx.ModelProto, peaks: Mapping[str, float]) -> dict[str, Unfit]:
    """Return the nodes that cannot be in half at all, by name: what they read or make is beyond its range."""
    return _unfit(
        model, {name: peak for name, peak in _with_weights(model, peaks) if peak > LARGEST_HALF}, LARGEST_HALF
    )


def vanishing(model: onnx.ModelProto, peaks: Mapping[str, float]) -> dict[str, Unfit]:
    """Return the nodes that may suffer in half, by name: they read or make a tensor without one normal half in it."""
    small = {name: peak for name, peak in _with_weights(model, peaks) if 0 < peak < SMALLEST_NORMAL_HALF}
    return _unfit(model, small, SMALLEST_NORMAL_HALF)


def _with_weights(model: onnx.ModelProto, peaks: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    yield from peaks.items()
    for name, tensor in constants_of(model):
        if tensor.data_type == onnx.TensorProto.FLOAT:
            yield name, _largest(onnx.numpy_helper.to_array(tensor))


def _unfit(model: onnx.ModelProto, peaks: Mapping[str, float], limit: float) -> dict[str, Unfit]:
    """Blame the first such tensor of each node; results come before what is read."""
    found: dict[str, Unfit] = {}
    for node in model.graph.node:
        for name in (*node.output, *node.input):
            if name in peaks and node.op_type != "Constant":
                found.setdefault(node.name, Unfit(node.name, Peak(peaks[name], name), limit))
    return found


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
