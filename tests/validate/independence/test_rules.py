"""Each rule on a graph of a few nodes: what keeps the frames apart, and what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest

from batchproof.validate.independence import prove
from batchproof.verdict import Status
from tests.validate.independence.execution import violation
from tests.validate.independence.small_graphs import model, node, proof_of, weights

Case = tuple[Sequence[onnx.NodeProto], Mapping[str, Any]]

ONES = np.ones(4, np.float32)
EMPTY = np.zeros(0, np.float32)

# The image is [N, 4, 6, 8] throughout.
PROVEN: dict[str, Case] = {
    "reshape to [0, -1]": ([node("Reshape", "image t")], {"t": [0, -1]}),
    "reshape to [-1, whole frame]": ([node("Reshape", "image t")], {"t": [-1, 192]}),
    "reshape there and back": ([node("Reshape", "image a", "x"), node("Reshape", "x b")],
                               {"a": [-1], "b": [-1, 4, 48]}),
    "reshape to a computed batch": (
        [node("Shape", "image", "s"), node("Gather", "s zero", "n"), node("Unsqueeze", "n axes", "n1"),
         node("Concat", "n1 rest", "t", axis=0), node("Reshape", "image t")],
        {"zero": 0, "axes": [0], "rest": [-1, 8]},
    ),
    "reshape after division": (
        [node("Shape", "image", "s"), node("Mul", "s two", "d"), node("Div", "d two", "h"), node("Reshape", "image h")],
        {"two": 2},
    ),
    "transpose twice": ([node("Transpose", "image", "x", perm=[2, 3, 0, 1]),
                         node("Transpose", "x", perm=[2, 3, 0, 1])], {}),
    "flatten": ([node("Flatten", "image", axis=1)], {}),
    "squeeze and unsqueeze": ([node("Unsqueeze", "image a", "x"), node("Squeeze", "x a")], {"a": [0]}),
    "softmax over channels": ([node("Softmax", "image", axis=1)], {}),
    "softmax behind a merged batch": ([node("Reshape", "image t", "x"), node("Softmax", "x", "y", axis=1),
                                       node("Reshape", "y back")], {"t": [-1, 8], "back": [-1, 192]}),
    "expand of a constant": ([node("Shape", "image", "s"), node("Expand", "c s", "e"), node("Add", "image e")],
                             {"c": weights(1, 4, 1, 1)}),
    "concat with an expanded constant": (
        [node("Shape", "image", "s"), node("Slice", "s zero one", "n"), node("Concat", "n rest", "t", axis=0),
         node("Expand", "c t", "e"), node("Concat", "e image", axis=1)],
        {"zero": [0], "one": [1], "rest": [2, 6, 8], "c": weights(1, 2, 1, 1)},
    ),
    "stacked batch, split again": ([node("Concat", "image image", "x", axis=0), node("Relu", "x", "y"),
                                    node("Split", "y", "a b", axis=0), node("Add", "a b")], {}),
    "tiled batch, split again": ([node("Tile", "image r", "x"), node("Split", "x", "a b", axis=0),
                                  node("Add", "a b")], {"r": [2, 1, 1, 1]}),
    "slice of space": ([node("Slice", "image s e a")], {"s": [1], "e": [-1], "a": [2]}),
    "slice of the whole batch": ([node("Slice", "image s e a")], {"s": [0], "e": [2**63 - 1], "a": [0]}),
    "gather of channels": ([node("Gather", "image i", axis=1)], {"i": [2, 0]}),
    "gather from a table": ([node("ArgMax", "image", "i", axis=1, keepdims=0), node("Gather", "c i", axis=0)],
                            {"c": weights(4, 5)}),
    "matmul with a constant": ([node("MatMul", "image w")], {"w": weights(8, 3)}),
    "attention": ([node("Transpose", "image", "k", perm=[0, 1, 3, 2]), node("MatMul", "image k")], {}),
    "einsum within frames": ([node("Einsum", "image image", equation="nchw,ncxw->nhx")], {}),
    "conv": ([node("Conv", "image w", strides=[2, 2], pads=[1, 1, 1, 1])], {"w": weights(5, 4, 3, 3)}),
    "transposed conv": ([node("ConvTranspose", "image w", strides=[2, 2])], {"w": weights(4, 5, 2, 2)}),
    "resize by scales": ([node("Resize", "image e s")], {"e": EMPTY, "s": np.array([1, 1, 2, 2], np.float32)}),
    "resize to computed sizes": (
        [node("Shape", "image", "s"), node("Slice", "s zero two", "nc"), node("Concat", "nc hw", "t", axis=0),
         node("Resize", "image e e t", mode="nearest")],
        {"zero": [0], "two": [2], "hw": [12, 16], "e": EMPTY},
    ),
    "pad of space": ([node("Pad", "image p")], {"p": [0, 0, 1, 1, 0, 0, 1, 1]}),
    "depth to space": ([node("DepthToSpace", "image", blocksize=2)], {}),
    "space to depth": ([node("SpaceToDepth", "image", blocksize=2)], {}),
    "grid sample": ([node("Slice", "image s e a", "x"), node("Transpose", "x", "g", perm=[0, 2, 3, 1]),
                     node("GridSample", "image g")], {"s": [0], "e": [2], "a": [1]}),
    "batch normalisation": ([node("BatchNormalization", "image o o o o")], {"o": ONES}),
    "instance normalisation": ([node("InstanceNormalization", "image o o")], {"o": ONES}),
    "group normalisation as exported": (
        [node("Reshape", "image t", "x"), node("InstanceNormalization", "x o o", "y"), node("Shape", "image", "s"),
         node("Reshape", "y s")],
        {"t": [0, 2, -1], "o": ONES[:2]},
    ),
    "layer normalisation": ([node("LayerNormalization", "image o o")], {"o": np.ones(8, np.float32)}),
    "norm over channels": ([node("LpNormalization", "image", axis=1)], {}),
    "mean over space": ([node("ReduceMean", "image", axes=[2, 3], keepdims=0)], {}),
    "sum over negative axes": ([node("ReduceSum", "image a")], {"a": [-1]}),
    "running sum over space": ([node("CumSum", "image a")], {"a": 2}),
    "top k of a row": ([node("TopK", "image k", "v i", axis=-1), node("Mul", "v v")], {"k": [2]}),
    "quantised by channel": ([node("QuantizeLinear", "image s z", "q", axis=1),
                              node("DequantizeLinear", "q s z", axis=1)], {"s": ONES, "z": np.zeros(4, np.uint8)}),
    "gather elements by content": ([node("ArgMax", "image", "i", axis=1),
                                    node("GatherElements", "image i", axis=1)], {}),
    "gather nd with shared batch": (
        [node("ArgMax", "image", "i", axis=3), node("GatherND", "image i", batch_dims=3)], {}
    ),
    "lstm": (
        [node("Reshape", "image t", "x"), node("Transpose", "x", "y", perm=[1, 0, 2]),
         node("LSTM", "y w r", "a h c", hidden_size=3), node("Squeeze", "h zero")],
        {"t": [0, -1, 8], "w": weights(1, 12, 8), "r": weights(1, 12, 3), "zero": [0]},
    ),
    "mask of two frames' own content": ([node("Greater", "image c", "m"), node("Where", "m image c")],
                                        {"c": np.float32(0)}),
    "dropout": ([node("Dropout", "image")], {}),
    "a constant for each frame": ([node("Shape", "image", "s"), node("ConstantOfShape", "s")], {}),
}  # fmt: skip

CONTENT: dict[str, Case] = {
    "softmax over the batch": ([node("Softmax", "image", axis=0)], {}),
    "softmax over the merged batch": ([node("Reshape", "image t", "x"), node("Softmax", "x", "y", axis=0),
                                       node("Reshape", "y b")], {"t": [-1, 8], "b": [-1, 192]}),
    "mean over all": ([node("ReduceMean", "image", "m"), node("Sub", "image m")], {}),
    "mean over a merged axis": ([node("Reshape", "image t", "x"), node("ReduceMean", "x", "m", axes=[0]),
                                 node("Add", "image m")], {"t": [-1, 8]}),
    "running sum over frames": ([node("CumSum", "image a")], {"a": 0}),
    "sorted frames": ([node("TopK", "image k", "v i", axis=0), node("Add", "image v")], {"k": [1]}),
    "frame against frame": ([node("Reshape", "image t", "x"), node("Transpose", "x", "y", perm=[1, 0]),
                             node("MatMul", "x y", "s"), node("Softmax", "s")], {"t": [0, -1]}),
    "frame plus frame": ([node("Unsqueeze", "image a", "x"), node("Unsqueeze", "image b", "y"), node("Add", "x y")],
                         {"a": [0], "b": [1]}),
    "einsum over frames": ([node("Einsum", "image image", equation="nchw,mchw->nm")], {}),
    "batch as channels": ([node("Transpose", "image", "x", perm=[1, 0, 2, 3]),
                           node("GlobalAveragePool", "x", "y"), node("LRN", "y", size=3)], {}),
    "the first frame": ([node("Gather", "image i", "x", axis=0), node("Add", "image x")], {"i": [0]}),
    "all but the first": ([node("Slice", "image s e a")], {"s": [1], "e": [2**62], "a": [0]}),
    "padded batch": ([node("Pad", "image p")], {"p": [1, 0, 0, 0, 0, 0, 0, 0]}),
    "mean variance normalisation": ([node("MeanVarianceNormalization", "image")], {}),
    "batch statistics before opset 14": ([node("BatchNormalization", "image o o o o", "out m v sm sv")], {"o": ONES}),
    "one scale for the batch": ([node("DynamicQuantizeLinear", "image", "q s z"),
                                 node("DequantizeLinear", "q s z")], {}),
    "indices of what is not zero": ([node("NonZero", "image")], {}),
    "halves of the batch": ([node("Split", "image", "a b", axis=0), node("Add", "a b")], {}),
}  # fmt: skip

LAYOUT: dict[str, Case] = {
    "flattened": ([node("Reshape", "image t")], {"t": [-1, 8]}),
    "frozen": ([node("Reshape", "image t")], {"t": [1, 4, -1, 8]}),
    "constant": ([node("Reshape", "image t")], {"t": [1, 4, 48]}),
    "batch last": ([node("Transpose", "image", perm=[1, 2, 3, 0])], {}),
    "batch second": ([node("Unsqueeze", "image a")], {"a": [0]}),
    "stacked": ([node("Concat", "image image", axis=0)], {}),
    "constant of three rows": ([node("Add", "image c")], {"c": weights(3, 1, 1, 1)}),
    "squeezed batch": ([node("Squeeze", "image a")], {"a": [0]}),
    "expanded to three": ([node("Expand", "image t")], {"t": [3, 4, 6, 8]}),
    "flattened before a weight": ([node("Flatten", "image", "x", axis=0), node("Gemm", "x w")], {"w": weights(192, 3)}),
}

UNKNOWN: dict[str, Case] = {
    "times the batch size": (
        [node("Shape", "image", "s"), node("Gather", "s i", "n"), node("Cast", "n", "f", to=1), node("Mul", "image f")],
        {"i": 0},
    ),
    "plus the slot": (
        [node("Shape", "image", "s"), node("Gather", "s i", "n"), node("Range", "i n one", "r"),
         node("Cast", "r", "f", to=1), node("Reshape", "f t", "g"), node("Add", "image g")],
        {"i": 0, "one": 1, "t": [-1, 1, 1, 1]},
    ),
    "window moved by the batch size": (
        [node("Shape", "image", "s"), node("Slice", "s zero one", "n"), node("Add", "n one", "m"),
         node("Slice", "image n m three")],
        {"zero": [0], "one": [1], "three": [3]},
    ),
    "half a batch": (
        [node("Shape", "image", "s"), node("Slice", "s zero one", "n"), node("Div", "n two", "m"),
         node("Concat", "m rest", "t", axis=0), node("Reshape", "image t", "x"), node("Softmax", "x", axis=1)],
        {"zero": [0], "one": [1], "two": 2, "rest": [-1]},
    ),
    "random": ([node("RandomNormalLike", "image", "r"), node("Add", "image r")], {}),
    "another domain": ([node("BatchedNMS", "image", domain="TRT")], {}),
    "no rule": ([node("ReverseSequence", "image l")], {"l": [1]}),
    "indices through the batch": ([node("MaxPool", "image", "v i", kernel_shape=[2, 2]), node("Cast", "i", to=1)], {}),
    "constant result": ([node("Constant", "", value_floats=[1.0, 2.0])], {}),
    "squeeze of whatever is 1": ([node("Squeeze", "image")], {}),
    "dropout in training": ([node("Dropout", "image r t")], {"r": np.float32(0.5), "t": np.array(True)}),
    "shape by content": ([node("Cast", "image", "c", to=7), node("Reshape", "image c")], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", PROVEN)
def test_it_keeps_the_frames_apart(name: str) -> None:
    nodes, constants = PROVEN[name]
    proof = proof_of(*nodes, constants=constants)
    assert proof.status is Status.PROVEN, proof


@pytest.mark.parametrize("name", PROVEN)
def test_it_does_so_when_it_runs(name: str) -> None:
    nodes, constants = PROVEN[name]
    assert violation(model(nodes, constants, batch="N"), (4, 6, 8)) is None


@pytest.mark.parametrize("name", CONTENT)
def test_it_mixes_frames(name: str) -> None:
    nodes, constants = CONTENT[name]
    proof = proof_of(*nodes, constants=constants, opset=13, output=nodes[-1].output[0])
    assert (proof.status, proof.kind) == (Status.REFUTED, "content"), proof
    assert proof.reason


@pytest.mark.parametrize("name", LAYOUT)
def test_it_files_rows_under_the_wrong_frame(name: str) -> None:
    nodes, constants = LAYOUT[name]
    proof = proof_of(*nodes, constants=constants)
    assert (proof.status, proof.kind, proof.node) == (Status.REFUTED, "layout", nodes[0].name), proof


@pytest.mark.parametrize("name", UNKNOWN)
def test_it_is_not_followed(name: str) -> None:
    nodes, constants = UNKNOWN[name]
    proof = proof_of(*nodes, constants=constants)
    assert proof.status is Status.UNKNOWN, proof
    assert proof.reason


@pytest.mark.parametrize(("opset", "status"), [(12, Status.REFUTED), (13, Status.PROVEN)])
def test_softmax_before_opset_13_is_flat(opset: int, status: Status) -> None:
    swapped = node("Transpose", "image", "x", perm=[1, 0, 2, 3])
    nodes = [swapped, node("Softmax", "x", "y", axis=0), node("Transpose", "y", perm=[1, 0, 2, 3])]
    assert proof_of(*nodes, opset=opset).status is status


def test_a_branch_is_followed() -> None:
    def branch(op: str) -> onnx.GraphProto:
        out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
        return onnx.helper.make_graph([node(op, "image", "y")], op, [], [out])

    def chosen(condition: onnx.NodeProto, other: str) -> Status:
        choice = node("If", "c", then_branch=branch("Relu"), else_branch=branch(other))
        return prove(model([condition, choice])).status

    constant = onnx.numpy_helper.from_array(np.array(True))
    assert chosen(node("Constant", "", "c", value=constant), "NonZero") is Status.PROVEN
    by_content = node("ReduceMax", "image", "c", keepdims=0)
    assert chosen(by_content, "Relu") is Status.REFUTED


@pytest.mark.parametrize("batch", [1, 10, -1, 0, "N", "?"])
def test_the_declared_batch_does_not_matter(batch: int | str) -> None:
    assert prove(model([node("Relu", "image")], batch=batch)).status is Status.PROVEN
    assert prove(model([node("Softmax", "image", axis=0)], batch=batch)).status is Status.REFUTED


def test_stale_shapes_inside_are_not_believed() -> None:
    lying = model([node("Transpose", "image", "x", perm=[1, 0, 2, 3]), node("Relu", "x")], batch=1)
    lying.graph.value_info.append(onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 4, 6, 8]))
    assert prove(lying).status is Status.REFUTED


def test_open_heights_stay_open() -> None:
    nodes = [node("Conv", "image w", "x", strides=[2, 2]), node("Reshape", "x t")]
    constants = {"w": weights(5, 4, 3, 3), "t": [0, -1, 5]}
    proof = prove(model(nodes, constants, frame=(4, "H", -1)))
    assert proof.status is Status.PROVEN
    assert proof.outputs[0].shape.startswith("[N, ")


def test_several_inputs_share_the_batch() -> None:
    both = model([node("Add", "image other")])
    both.graph.input.append(onnx.helper.make_tensor_value_info("other", onnx.TensorProto.FLOAT, [1, 4, 1, 1]))
    assert prove(both).status is Status.PROVEN
    both.graph.input[1].type.tensor_type.shape.dim[0].dim_value = 7
    assert prove(both).status is Status.UNKNOWN


def test_a_damaged_graph_is_unknown() -> None:
    assert proof_of(node("Relu", "missing")).status is Status.UNKNOWN
    assert proof_of(node("Concat", "image c", axis=1), constants={"c": weights(3)}).status is Status.UNKNOWN
    assert proof_of(node("Relu", "image"), node("Neg", "image")).status is Status.UNKNOWN
