"""One tiny embedder for each way in which a graph can be wrong. All of them can be written to a file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import helper

from tests.surgery.tiny_graphs import graph, node, tensor, weights

_IMAGE = ("N", 3, 112, 112)
_HELD = {"w": weights((16, 3, 28, 28)), "rows": [0, -1]}


def _embedder(front: list[onnx.NodeProto], *, opset: int = 11) -> onnx.ModelProto:
    """Nodes that make `x` of `image`, and a sound embedder behind them."""
    behind = [
        node("Conv", ["x", "w"], "features", strides=[28, 28]),
        node("Reshape", ["features", "rows"], "embedding"),
    ]
    return graph([*front, *behind], {"embedding": ["N", 256]}, _HELD, image=_IMAGE, opset=opset)


def sound() -> onnx.ModelProto:
    """Nothing is wrong: what the others would be without their one fault."""
    return _embedder([node("Relu", ["image"], "x")])


def cyclic() -> onnx.ModelProto:
    """Two nodes each wait for the other's result."""
    return _embedder([node("Add", ["image", "b"], "x"), node("Relu", ["x"], "b")])


def out_of_order() -> onnx.ModelProto:
    """A node stands before the one that feeds it."""
    return _embedder([node("Relu", ["a"], "x"), node("Relu", ["image"], "a")])


def unknown_domain() -> onnx.ModelProto:
    """An operator of a domain that nobody here knows lies on the way."""
    model = _embedder([node("Plain", ["image"], "x", domain="my.ops")])
    model.opset_import.append(helper.make_opsetid("my.ops", 1))
    return model


def undeclared_domain() -> onnx.ModelProto:
    """An operator of a domain that the file does not import."""
    return _embedder([node("Plain", ["image"], "x", domain="my.ops")])


def unknown_operator() -> onnx.ModelProto:
    """An operator that the standard domain does not have."""
    return _embedder([node("Sharpen", ["image"], "x")])


def opset_5() -> onnx.ModelProto:
    """Operators of 2017: Add broadcasts only when told to, and then along the axis it names."""
    model = _embedder([node("Add", ["image", "mean"], "x", broadcast=1, axis=1)], opset=5)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(3, np.float32), "mean"))
    return model


def future_opset() -> onnx.ModelProto:
    """An opset that the installed onnx does not know yet."""
    return _embedder([node("Relu", ["image"], "x")], opset=9999)


def two_opsets() -> onnx.ModelProto:
    """The standard operators are imported twice, in two versions."""
    model = sound()
    model.opset_import.append(helper.make_opsetid("", 17))
    return model


def no_nodes() -> onnx.ModelProto:
    """The graph has an input and an output, and nothing between them."""
    return graph([], {"image": _IMAGE}, image=_IMAGE)


def nan_weights() -> onnx.ModelProto:
    """A training run that diverged: one of the weights is not a number."""
    return _with_weight(np.nan)


def infinite_weights() -> onnx.ModelProto:
    """A conversion that overflowed: one of the weights is infinite."""
    return _with_weight(np.inf)


def nan_in_constant_node() -> onnx.ModelProto:
    """As torch 2 writes it: the number that is none sits in a Constant node."""
    bad = onnx.numpy_helper.from_array(np.array(np.nan, np.float32), "bad_value")
    return _embedder([node("Constant", [], "bad", value=bad), node("Mul", ["image", "bad"], "x")])


def batch_last() -> onnx.ModelProto:
    """CHWN: the image is turned to NCHW inside, where N is the size that was declared as the batch."""
    model = _embedder([node("Transpose", ["image"], "x", perm=[3, 0, 1, 2])])
    model.graph.input[0].CopyFrom(tensor("image", (3, 112, 112, "N")))
    return model


def channels_last() -> onnx.ModelProto:
    """NHWC, as TensorFlow exports it."""
    model = _embedder([node("Transpose", ["image"], "x", perm=[0, 3, 1, 2])])
    model.graph.input[0].CopyFrom(tensor("image", ("N", 112, 112, 3)))
    return model


def batch_last_undeclared() -> onnx.ModelProto:
    """HWCN with every size left open: nothing in the file says which axis is the batch."""
    model = _embedder([node("Transpose", ["image"], "x", perm=[3, 2, 0, 1])])
    model.graph.input[0].CopyFrom(tensor("image", ("a", "b", "c", "d")))
    return model


def same_tensor_twice() -> onnx.ModelProto:
    """Two nodes make a tensor of one name; which of them a reader means is anybody's guess."""
    return _embedder([node("Relu", ["image"], "x", "first"), node("Neg", ["image"], "x", "second")])


def same_weight_twice() -> onnx.ModelProto:
    """Two initialisers of one name, with different numbers."""
    model = sound()
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights((16, 3, 28, 28), seed=1), "w"))
    return model


def same_node_name_twice() -> onnx.ModelProto:
    """Two nodes of one name, which ONNX allows."""
    return _embedder([node("Relu", ["image"], "a", "same"), node("Relu", ["a"], "x", "same")])


def two_inputs() -> onnx.ModelProto:
    """A second image, as in a network that compares faces."""
    model = _embedder([node("Sub", ["image", "other"], "x")])
    model.graph.input.append(tensor("other", _IMAGE))
    return model


def no_inputs() -> onnx.ModelProto:
    """The image is a constant of the graph."""
    model = sound()
    del model.graph.input[:]
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((1, 3, 112, 112), np.float32), "image"))
    return model


def output_is_input() -> onnx.ModelProto:
    """The image goes straight out again, beside the embedding."""
    model = sound()
    model.graph.output.append(tensor("image", _IMAGE))
    return model


def output_is_weight() -> onnx.ModelProto:
    """A weight is an output: the same for every batch."""
    model = sound()
    model.graph.output.append(tensor("w", (16, 3, 28, 28)))
    return model


def output_from_nowhere() -> onnx.ModelProto:
    """No node makes the output."""
    model = sound()
    model.graph.output[0].name = "nothing"
    return model


def no_outputs() -> onnx.ModelProto:
    """Everything is computed and nothing is kept."""
    model = sound()
    del model.graph.output[:]
    return model


def input_of_no_shape() -> onnx.ModelProto:
    """Neither rank nor sizes of the image are declared."""
    model = sound()
    model.graph.input[0].type.tensor_type.ClearField("shape")
    return model


def sparse_weights() -> onnx.ModelProto:
    """The weights are a sparse tensor, which most tools do not read."""
    model = sound()
    values = onnx.numpy_helper.from_array(np.ones(1, np.float32), "w")
    sparse = helper.make_sparse_tensor(values, onnx.numpy_helper.from_array(np.array([0])), [16, 3, 28, 28])
    del model.graph.initializer[0]
    model.graph.sparse_initializer.append(sparse)
    return model


def with_function(factor: onnx.TensorProto) -> onnx.ModelProto:
    """The image is multiplied with `factor` by a local function."""
    model = _embedder([node("Scaled", ["image"], "x", domain="local")])
    model.ir_version = 8
    model.opset_import.append(helper.make_opsetid("local", 1))
    body = [node("Constant", [], "factor", value=factor), node("Mul", ["a", "factor"], "b")]
    model.functions.append(helper.make_function("local", "Scaled", ["a"], ["b"], body, [helper.make_opsetid("", 11)]))
    return model


def nan_in_function() -> onnx.ModelProto:
    """The number that is none sits in a local function."""
    return with_function(onnx.numpy_helper.from_array(np.array(np.nan, np.float32), "factor"))


def _with_weight(value: float) -> onnx.ModelProto:
    model = sound()
    held = weights((16, 3, 28, 28))
    held[3, 1, 5, 7] = value
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(held, "w"))
    return model


GRAPHS: dict[str, Callable[[], onnx.ModelProto]] = {
    build.__name__: build
    for build in (
        cyclic,
        out_of_order,
        unknown_domain,
        undeclared_domain,
        unknown_operator,
        opset_5,
        future_opset,
        two_opsets,
        no_nodes,
        nan_weights,
        infinite_weights,
        nan_in_constant_node,
        nan_in_function,
        batch_last,
        batch_last_undeclared,
        channels_last,
        same_tensor_twice,
        same_weight_twice,
        same_node_name_twice,
        two_inputs,
        no_inputs,
        output_is_input,
        output_is_weight,
        output_from_nowhere,
        no_outputs,
        input_of_no_shape,
        sparse_weights,
    )
}
