"""Graphs that were once proven and are not safe: what the parts of a file around its nodes mean."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from batchproof.validate.independence import prove
from batchproof.verdict import Status
from tests.validate.independence.attack import Attack, assert_caught


def _softmax_over_frames(a: Attack) -> str:
    """In opset 11 over all axes from axis 0 on; in opset 13 over axis 0, where the frames are not."""
    turned = a.node("Softmax", a.node("Transpose", "x", perm=[1, 0, 2]), axis=0)
    return a.node("Transpose", turned, perm=[1, 0, 2])


@pytest.mark.parametrize("domains", [("", "ai.onnx"), ("ai.onnx", "")])
def test_two_versions_of_the_standard_operators(domains: tuple[str, str]) -> None:
    """The prover believed the first one; another reader may believe the second."""
    a = Attack(3, 4, opset=11)
    model = a.model(_softmax_over_frames(a))
    assert_caught(model, 3, 4)
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(*pair) for pair in zip(domains, (13, 11), strict=True))
    assert prove(model).status is Status.UNKNOWN


def _calling(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    """`x` through a function of `nodes` from `a` to `b`."""
    a = Attack(3, 4)
    model = a.model(a.node("F", "x", domain="local"))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    model.functions.append(helper.make_function("local", "F", ["a"], ["b"], nodes, opsets))
    model.opset_import.append(opsets[1])
    return model


def test_a_function_whose_attribute_has_a_default() -> None:
    """The inliner of ONNX loses the default, axis 0, so that the Softmax took its own, the last axis."""
    softmax = helper.make_node("Softmax", ["a"], ["b"])
    softmax.attribute.append(onnx.AttributeProto(name="axis", ref_attr_name="axis", type=onnx.AttributeProto.INT))
    model = _calling(softmax)
    model.functions[0].attribute_proto.append(helper.make_attribute("axis", 0))
    assert_caught(model, 3, 4)


def test_functions_that_call_each_other_in_a_circle() -> None:
    proof = prove(_calling(helper.make_node("F", ["a"], ["b"], domain="local")))
    assert proof.status is Status.UNKNOWN
    assert "recursive" in proof.reason


@pytest.mark.parametrize("operator", ["BatchNormalization", "Dropout"])
def test_operators_of_old_opsets_that_train_unless_told_otherwise(operator: str) -> None:
    """Before opset 7, `is_test` is 0 by default: statistics of the batch, and chance."""
    a = Attack(3, 4, opset=6)
    others = [a.floats([1, 1, 1]) for _ in range(4)] if operator == "BatchNormalization" else []
    proof = prove(a.model(a.node(operator, "x", *others)))
    assert (proof.status, "opset 7, the graph has 6" in proof.reason) == (Status.UNKNOWN, True)


def _halves_with(other: str) -> onnx.ModelProto:
    """The first half of the rows of `x` and of `other`, one behind the other."""
    a = Attack(3, 4)
    joined = a.node("Concat", "x", other, axis=0)
    model = a.model("half")
    model.graph.node.append(helper.make_node("Split", [joined], ["half", "rest"], axis=0))
    model.graph.input.append(helper.make_tensor_value_info(other, TensorProto.FLOAT, [1, 3, 4]))
    return model


def test_a_second_input_that_has_one_row_whatever_the_batch() -> None:
    """It was taken to have a row for each frame, so that half of all rows were the frames: of 3 + 1 rows it is 2."""
    model = _halves_with("other")
    three, one = (np.zeros((rows, 3, 4), np.float32) for rows in (3, 1))
    (half,) = ReferenceEvaluator(model).run(None, {"x": three, "other": one})
    assert len(half) == 2
    assert prove(model).status is not Status.PROVEN


def test_a_sparse_constant_that_is_listed_among_the_inputs() -> None:
    """It was taken for an input, and so for one with a row for each frame."""
    model = _halves_with("sparse")
    values = numpy_helper.from_array(np.ones(1, np.float32), "sparse")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "indices")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [1, 3, 4]))
    model.graph.input[-1].type.tensor_type.shape.dim[0].dim_param = "N"
    assert prove(model).status is not Status.PROVEN


def test_half_a_row_rounded_up_is_the_next_frame() -> None:
    """Scale 1 is not the identity: with tf_half_pixel_for_nn and ceil, row n is frame n + 1 by the standard's formula.

    ONNX Runtime copies at scale 1, so that it does not show this.
    """
    a = Attack(2, 4, 8, opset=11)
    settings = {"mode": "nearest", "coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": "ceil"}
    output = a.node("Resize", "x", a.floats([]), a.floats([1, 1, 2, 2]), **settings)
    assert prove(a.model(output)).status is Status.UNKNOWN
