"""Graphs that were once proven and are not safe: lengths that were taken for equal, or for known, and are not."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from batchproof.validate.independence import prove
from batchproof.verdict import Status
from tests.validate.independence.attack import Attack, assert_caught, assert_caught_in_batches_of, branch


def test_lengths_of_two_resizes_by_fractions() -> None:
    """The symbol for "scaled by a fraction" was one for all scales."""
    a = Attack(1, 1, 10, opset=18)
    first, second = (a.node("Resize", "x", "", a.floats([scale]), axes=[3], mode="nearest") for scale in (0.3, 0.6))
    output = a.regrouped(a.node("Flatten", first), a.lengths(first, 3), a.lengths(second, 3))
    assert_caught_in_batches_of(2, a.model(output), 1, 1, 10)


def test_lengths_of_two_upsamplings_by_fractions() -> None:
    """As for Resize, with the scales of old opsets."""
    a = Attack(1, 1, 2, opset=8)
    first, second = (a.node("Upsample", "x", scales=[1.0, 1.0, 1.0, scale], mode="nearest") for scale in (1.5, 3.5))
    rows, lengths = a.node("Flatten", first), [a.lengths(tensor, 3) for tensor in (first, second)]
    grouped = a.node("Reshape", rows, a.node("Concat", a.constant([-1]), lengths[1], axis=0))
    back = a.node("Concat", a.constant([-1]), lengths[0], axis=0)
    output = a.node("Reshape", a.node("Softmax", grouped, axis=1), back)
    assert_caught_in_batches_of(7, a.model(output), 1, 1, 2)


def test_lengths_of_two_pools_that_round_up() -> None:
    """The symbol for "rounded up" was one for both rows, of 2 windows and of 1."""
    a = Attack(1, 1, 4)
    third = a.node("Slice", "x", a.constant([0]), a.constant([3]), a.constant([3]))
    first = a.node("MaxPool", third, kernel_shape=[1, 1], strides=[1, 3], ceil_mode=1)
    second = a.node("MaxPool", "x", kernel_shape=[1, 2], strides=[1, 3], ceil_mode=1)
    output = a.regrouped(a.node("Flatten", first), a.lengths(first, 3), a.lengths(second, 3))
    assert_caught_in_batches_of(2, a.model(output), 1, 1, 4)


def test_lengths_of_two_transposed_convolutions_of_one_name() -> None:
    """The symbol for "as output_shape says" went by the name of the result, which two branches may share."""
    a = Attack(1, 6)
    weight, yes = a.floats(np.ones((1, 1, 9))), a.constant(True, np.bool_)
    lengths = []
    for length in (7, 14):
        conv = helper.make_node("ConvTranspose", ["x", weight], ["same"], output_shape=[length])
        other = branch(helper.make_node("Identity", ["x"], [f"other{length}"]))
        lengths.append(a.node("If", yes, then_branch=branch(conv), else_branch=other))
    first, second = lengths
    output = a.regrouped(a.node("Flatten", first), a.lengths(first, 2), a.lengths(second, 2))
    assert_caught_in_batches_of(2, a.model(output), 1, 6)


def test_the_length_of_a_pool_with_dilation_and_automatic_padding() -> None:
    """SAME keeps the length, but ONNX Runtime's MaxPool leaves dilation out of the account."""
    a = Attack(1, 1, 8)
    pooled = a.node("MaxPool", "x", kernel_shape=[1, 3], dilations=[1, 2], auto_pad="SAME_UPPER")
    assert_caught(a.model(a.untouched_if(a.node("Equal", a.length(pooled, 3), a.constant(8)))), 1, 1, 8)


def test_the_length_of_a_slice_with_a_computed_end() -> None:
    """The end W - 100 is negative for W = 60 and counts from the end: 20 elements, not -40."""
    a = Attack("W")
    end = a.node("Sub", a.lengths("x", 1), a.constant([100]))
    cut = a.node("Slice", "x", a.constant([0]), end, a.constant([1]))
    assert_caught(a.model(a.untouched_if(a.node("Equal", a.lengths(cut, 1), end))), 60)


@pytest.mark.parametrize("opset", [11, 17])
def test_a_squeeze_with_empty_axes(opset: int) -> None:
    """It squeezes every axis of length 1, like one without axes; it was taken to squeeze none."""
    a = Attack(3, 4, opset=opset)
    lifted = a.node("Unsqueeze", "x", a.constant([0])) if opset == 17 else a.node("Unsqueeze", "x", axes=[0])
    squeezed = a.node("Squeeze", lifted, *([a.constant([])] if opset == 17 else []))
    if opset == 11:
        a.nodes[-1].attribute.append(onnx.AttributeProto(name="axes", type=onnx.AttributeProto.INTS))
    summed = a.node("CumSum", squeezed, a.constant(0))
    assert_caught(a.model(a.node("Reshape", summed, a.node("Shape", "x"))), 3, 4)


def test_an_open_condition_with_one_harmless_branch() -> None:
    """Which branch runs depends on W; lengths that only the other one assumes were believed after it."""
    a = Attack("W")
    many = a.node("Greater", a.length("x", 1), a.constant(100))
    cut = helper.make_node("Slice", ["x", a.constant([5]), a.constant([2**31 - 1]), a.constant([1])], ["cut"])
    nodes = [cut, helper.make_node("Shape", ["cut"], ["shape"]), helper.make_node("Neg", ["x"], ["negated"])]
    passed = a.node(
        "If", many, then_branch=branch(*nodes), else_branch=branch(helper.make_node("Identity", ["x"], ["kept"]))
    )
    summed = a.untouched_if(a.node("Greater", a.length("x", 1), a.constant(5)))
    assert_caught(a.model(a.node("Add", passed, summed)), 4)


def test_a_dead_branch_that_assumes_long_rows() -> None:
    """Its Shape said that W - 5 elements are left, so W was taken to be above 5; but it never runs."""
    a = Attack("W")
    yes = a.node("Cast", a.floats(1), to=TensorProto.BOOL)
    cut = helper.make_node("Slice", ["x", a.constant([5]), a.constant([2**31 - 1]), a.constant([1])], ["cut"])
    nodes = [cut, helper.make_node("Shape", ["cut"], ["shape"]), helper.make_node("Neg", ["x"], ["negated"])]
    passed = a.node(
        "If", yes, then_branch=branch(helper.make_node("Identity", ["x"], ["kept"])), else_branch=branch(*nodes)
    )
    summed = a.untouched_if(a.node("Greater", a.length("x", 1), a.constant(5)))
    assert_caught(a.model(a.node("Add", passed, summed)), 4)


@pytest.mark.parametrize("operator", ["Cast", "Sqrt"])
def test_a_scale_that_follows_the_batch(operator: str) -> None:
    """The result of a Resize by N, or by its root, was taken to have an own, but fixed length."""
    a = Attack(1, 1, 8, opset=18)
    scale = a.node("Cast", a.lengths("x", 0), to=TensorProto.FLOAT)
    scale = a.node("Sqrt", scale) if operator == "Sqrt" else scale
    assert_caught(a.model(a.node("Resize", "x", "", scale, axes=[3], mode="nearest")), 1, 1, 8)


def test_rows_whose_shape_follows_the_batch() -> None:
    """Row n is frame n, but cut into N lines."""
    a = Attack(24)
    n = a.lengths("x", 0)
    target = a.node("Concat", n, n, a.constant([-1]), axis=0)
    assert_caught(a.model(a.node("Reshape", "x", target)), 24)


@pytest.mark.parametrize("operator", ["Add", "Reshape"])
def test_a_side_calculation_that_refuses_most_batches(operator: str) -> None:
    """No frame's content is in it, and what it gives is the same for every batch that it does not refuse."""
    a = Attack(3, 4)
    counted = a.node("Expand", a.floats(1), a.lengths("x", 0))
    four = a.node(operator, counted, a.floats([1, 2, 3, 4]) if operator == "Add" else a.constant([1, 1, 1, 1]))
    rank = a.node("Size", four) if operator == "Add" else a.node("Size", a.node("Shape", four))
    target = a.node("Concat", a.constant([-1, 3]), a.node("Unsqueeze", rank, a.constant([0])), axis=0)
    assert_caught(a.model(a.node("Reshape", "x", target)), 3, 4)


def test_a_scale_for_each_place_of_a_frame() -> None:
    """With spatial=0, opset 8 normalises each place by its own scale; frames on such a place have one scale each."""
    a = Attack(3, 2, opset=8)
    turned = a.node("Transpose", "x", perm=[1, 2, 0])
    scales = [a.floats([[1.0], [2.0]]) for _ in range(4)]
    output = a.node("BatchNormalization", turned, *scales, spatial=0)
    assert_caught(a.model(a.node("Transpose", output, perm=[2, 0, 1])), 3, 2)


def test_channels_that_are_added_to_a_constant_for_each_frame() -> None:
    """Ones of shape [N, 4] beside frames of [4, 4]: N channels against 4, which runs for 1 and for 4 frames only."""
    a = Attack(4, 4)
    ones = a.node("ConstantOfShape", a.node("Gather", a.node("Shape", "x"), a.constant([0, 1])))
    assert_caught(a.model(a.node("Add", "x", ones)), 4, 4)


@pytest.mark.parametrize("number", [2, -1])
def test_a_flag_that_is_neither_0_nor_1(number: int) -> None:
    """It was taken for 1, the identity; ONNX Runtime takes it for 0, the mean of all frames."""
    a = Attack(3, 4, opset=18)
    assert_caught(a.model(a.node("ReduceMean", "x", noop_with_empty_axes=number)), 3, 4)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("axes", [None, [1]])
def test_interpolation_between_frames_with_weight_zero(mode: str, axes: list[int] | None) -> None:
    """ONNX Runtime interpolates along all axes of a matrix; 0 times NaN is NaN."""
    a = Attack(8, opset=18)
    scales = a.floats([2] if axes else [1, 2])
    output = a.node("Resize", "x", "", scales, mode=mode, **({"axes": axes} if axes else {}))
    assert_caught(a.model(output), 8)


def test_lengths_that_are_not_known_exactly_do_not_matter_when_nothing_hangs_on_them() -> None:
    """Neither a scale that no float holds exactly, nor half of an open length, stands in the way of a proof."""
    a = Attack(2, 4, "W", opset=13)
    resized = a.node("Resize", "x", "", a.floats([1, 1, 1.3, 1.3]), mode="nearest")
    model = a.model("half")
    model.graph.node.append(helper.make_node("Split", [resized], ["half", "rest"], axis=3))
    assert prove(model).status is Status.PROVEN
