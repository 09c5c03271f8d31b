"""Tiny hand-made models of the shape of a detector: `input` [N, 3, H, W], one output `score_8` [N, rows, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from batchproof.zoo.spec import InputSpec, ModelSpec, OutputSpec

STRIDE = 8
SPEC = ModelSpec(
    family="tiny",
    role="detector",
    input=InputSpec(height=None, width=None, mean=127.5, std=128.0, multiple_of=32),
    outputs=(OutputSpec("score_8", "score", 1, STRIDE),),
)

Dim = int | str | None
Array = NDArray[Any]
Type = Literal["fp32", "fp16"]


def detector(
    path: Path,
    *,
    dtype: Type = "fp32",
    batch: Dim = "N",
    tail: Literal["safe", "flat"] = "safe",
    weights_seed: int = 0,
) -> Path:
    """Convolution, ReLU, convolution, and a tail that keeps the batch (`safe`) or flattens it (`flat`)."""
    weights = np.random.default_rng(weights_seed)
    number = np.float16 if dtype == "fp16" else np.float32
    initialisers: dict[str, Array] = {
        "w1": weights.standard_normal((4, 3, STRIDE, STRIDE)).astype(number) / 100,
        "w2": weights.standard_normal((1, 4, 1, 1)).astype(number),
        "tail": np.array([0, -1, 1] if tail == "safe" else [-1, 1], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["stem"], "stem", strides=[STRIDE, STRIDE]),
        helper.make_node("Relu", ["stem"], ["relu"], "relu"),
        helper.make_node("Conv", ["relu", "w2"], ["head"], "head"),
        helper.make_node("Transpose", ["head"], ["rows"], "rows", perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["rows", "tail"], ["score"], "score"),
    ]
    dims: list[Dim] = [batch, None, 1] if tail == "safe" else [None, 1]
    return save(path, between_casts(nodes, dtype), image(batch), "score_8", dims, initialisers)


def between_casts(nodes: Sequence[onnx.NodeProto], dtype: Type) -> list[onnx.NodeProto]:
    """Float32 I/O around the nodes, which read `image` and write `score`."""
    inside = TensorProto.FLOAT16 if dtype == "fp16" else TensorProto.FLOAT
    return [
        helper.make_node("Cast", ["input"], ["image"], "cast_in", to=inside),
        *nodes,
        helper.make_node("Cast", ["score"], ["score_8"], "cast_out", to=TensorProto.FLOAT),
    ]


def quantised(path: Path) -> Path:
    """The detector in INT8, as ONNX Runtime's quantiser writes it: Q/DQ pairs around every operator."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class OneBatch(CalibrationDataReader):  # type: ignore[misc]
        batches = iter([{"input": np.random.default_rng(0).standard_normal((2, 3, 64, 64)).astype(np.float32)}])

        def get_next(self) -> dict[str, Array] | None:
            return next(self.batches, None)

    quantize_static(
        str(detector(path.with_suffix(".fp32.onnx"))),
        str(path),
        OneBatch(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        extra_options={"ActivationSymmetric": True},  # the only kind that TensorRT has
    )
    return path


def in_fp8(path: Path) -> Path:
    """One Q/DQ pair of FP8 (E4M3) before a convolution to `[N, 1, H / 8, W / 8]`, then rows."""
    weights = np.random.default_rng(0).standard_normal((1, 3, STRIDE, STRIDE)).astype(np.float32) / 100
    nodes = [
        helper.make_node("QuantizeLinear", ["input", "scale", "zero"], ["eighth"], "quantise"),
        helper.make_node("DequantizeLinear", ["eighth", "scale", "zero"], ["image"], "dequantise"),
        helper.make_node("Conv", ["image", "w"], ["head"], "head", strides=[STRIDE, STRIDE]),
        helper.make_node("Reshape", ["head", "tail"], ["score_8"], "rows"),
    ]
    tensors = [
        helper.make_tensor("zero", TensorProto.FLOAT8E4M3FN, [], [0.0]),
        numpy_helper.from_array(np.array(0.01, np.float32), "scale"),
        numpy_helper.from_array(weights, "w"),
        numpy_helper.from_array(np.array([0, -1, 1]), "tail"),
    ]
    declared = helper.make_tensor_value_info("score_8", TensorProto.FLOAT, ["N", None, 1])
    graph = helper.make_graph(nodes, "fp8", [image("N")], [declared], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def with_nms(path: Path) -> Path:
    """Ends in a NonMaxSuppression named `head_nms`, which parses but has no implementation in TensorRT-RTX."""
    nodes = [
        helper.make_node("Reshape", ["input", "to_boxes"], ["boxes"], "boxes"),
        helper.make_node("ReduceSum", ["boxes", "last"], ["sums"], "sums"),
        helper.make_node("Transpose", ["sums"], ["scores"], "scores", perm=[0, 2, 1]),
        helper.make_node("NonMaxSuppression", ["boxes", "scores", "most"], ["kept"], "head_nms"),
        helper.make_node("Cast", ["kept"], ["score_8"], "as_float", to=TensorProto.FLOAT),
    ]
    initialisers = {"to_boxes": np.array([0, -1, 4]), "last": np.array([2]), "most": np.array([5])}
    return save(path, nodes, image("N"), "score_8", [None, 3], initialisers)


def with_unknown_operator(path: Path) -> Path:
    """Has a Bernoulli named `dice`, which TensorRT's parser refuses."""
    nodes = [helper.make_node("Bernoulli", ["input"], ["score_8"], "dice")]
    return save(path, nodes, image("N"), "score_8", ["N", 3, "H", "W"], {})


def not_finite(path: Path) -> Path:
    """Divides by zero."""
    nodes = [
        helper.make_node("Sub", ["input", "input"], ["zero"], "zero"),
        helper.make_node("Div", ["input", "zero"], ["score_8"], "division"),
    ]
    return save(path, nodes, image("N"), "score_8", ["N", 3, "H", "W"], {})


def image(batch: Dim) -> onnx.ValueInfoProto:
    """The image input."""
    return helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, "H", "W"])


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    source: onnx.ValueInfoProto,
    output: str,
    dims: Sequence[Dim],
    initialisers: dict[str, Array],
) -> Path:
    """Write a checked model of opset 17."""
    tensors = [numpy_helper.from_array(array, name) for name, array in initialisers.items()]
    declared = helper.make_tensor_value_info(output, TensorProto.FLOAT, dims)
    graph = helper.make_graph(list(nodes), "tiny", [source], [declared], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def with_foreign_operator(path: Path) -> Path:
    """Has an operator of a domain that nobody implements."""
    node = helper.make_node("FaceMagic", ["input"], ["score_8"], "magic", domain="nobody")
    declared = helper.make_tensor_value_info("score_8", TensorProto.FLOAT, ["N", 3, "H", "W"])
    graph = helper.make_graph([node], "tiny", [image("N")], [declared])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("nobody", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path
