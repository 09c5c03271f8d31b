from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from batchproof.runtime import Blob, OnnxRuntimeRunner
from batchproof.surgery.fp16.emulation import emulated
from batchproof.surgery.fp16.to_fp16 import to_fp16
from tests.surgery.fp16.half_chains import BLOCKS, chain, noisy, rescaled
from tests.surgery.tiny_graphs import graph, node

UNROUNDED, OVERFLOWING = 0, 17


def _run(model: onnx.ModelProto, images: Blob, *, optimised: bool = False) -> np.ndarray:
    return OnnxRuntimeRunner(model.SerializeToString(), optimised=optimised).infer(images)["embedding"]


def _half(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float32)


def _alone(each: onnx.NodeProto, held: dict[str, np.ndarray], values: Blob) -> np.ndarray:
    """One node of the chain in float32, on its own."""
    copy = onnx.NodeProto()
    copy.CopyFrom(each)
    copy.input[0], copy.output[0] = "image", "out"
    dims = ["N", *[None] * (1 if each.op_type == "Flatten" else 3)]
    inputs = {name: held[name] for name in each.input if name in held}
    single = graph([copy], {"out": dims}, inputs, image=("N", *values.shape[1:]), opset=17, ir_version=8)
    return OnnxRuntimeRunner(single.SerializeToString(), optimised=False).infer(values)["out"]


def _by_hand(model: onnx.ModelProto, images: Blob) -> np.ndarray:
    """The chain node by node in float32, every weight and every result rounded to half by numpy."""
    held = {tensor.name: _half(numpy_helper.to_array(tensor)) for tensor in model.graph.initializer}
    values = _half(images)
    for each in model.graph.node:
        values = _half(_alone(each, held, values))
    return values


@pytest.mark.parametrize("power", [UNROUNDED, OVERFLOWING])
def test_every_result_is_rounded_once_to_the_bit_and_overflows(power: int) -> None:
    model = rescaled(chain(), "conv2", "conv3", power)
    expected = _by_hand(model, noisy())
    assert np.isfinite(expected).all() == (power == UNROUNDED)
    assert np.array_equal(_run(emulated(to_fp16(model)[0]), noisy()), expected, equal_nan=True)


@pytest.mark.parametrize("optimised", [True, False])
def test_the_cpu_alone_shows_neither(optimised: bool) -> None:
    """Why there is an emulation at all: when this fails, ONNX Runtime has learnt to store halves."""
    converted = to_fp16(rescaled(chain(), "conv2", "conv3", OVERFLOWING))[0]
    assert np.isfinite(_run(converted, noisy(), optimised=optimised)).all()


def test_only_casts_are_added_and_the_graph_stays() -> None:
    converted = to_fp16(chain())[0]
    before = converted.SerializeToString()
    result = emulated(converted)
    onnx.checker.check_model(result, full_check=True)
    assert converted.SerializeToString() == before
    computing = [each.name for each in converted.graph.node if each.op_type != "Cast"]
    assert [each.name for each in result.graph.node if each.op_type != "Cast"] == computing
    assert len(result.graph.node) - len(converted.graph.node) == 2 * len(computing) + 2 * BLOCKS


def test_a_half_tensor_is_widened_once_for_all_its_readers() -> None:
    dims = ("N", 3, "H", "W")
    nodes = [
        node("Relu", ["image"], "x"),
        node("Abs", ["x"], "a"),
        node("Neg", ["x"], "b"),
        node("Add", ["a", "b"], "out"),
    ]
    result = emulated(to_fp16(graph(nodes, {"out": dims}, image=dims))[0])
    assert [each.input[0] for each in result.graph.node].count("x_to_half") == 1


def test_float_nodes_are_left_alone() -> None:
    dims = ("N", 3, "H", "W")
    model = graph([node("Relu", ["image"], "x"), node("Abs", ["x"], "out")], {"out": dims}, image=dims)
    assert emulated(model) == model
