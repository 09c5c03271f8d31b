"""Known batch defects, written for opsets 14 to 17."""

from __future__ import annotations

import numpy as np

from tests.validate.independence.injection import MUTANTS, Defect, mutant

__all__ = ["MUTANTS"]


@mutant("layout", at_output=True)
def flattening_reshape(d: Defect) -> str:
    return d.reshape(d.x, -1, 1)


@mutant("layout", at_output=True)
def frames_behind_one_another(d: Defect) -> str:
    return d.reshape(d.x, 1, -1, d.frame[-1])


@mutant("layout", at_output=True)
def batch_behind_channels(d: Defect) -> str:
    return d.swapped(d.x)


@mutant("layout", at_output=True)
def concat_over_batch(d: Defect) -> str:
    return d.node("Concat", d.x, d.x, axis=0)


@mutant("layout")
def frozen_batch(d: Defect) -> str:
    return d.reshape(d.x, 1, *d.frame)


@mutant("layout")
def constant_of_two_rows(d: Defect) -> str:
    return d.node("Add", d.x, d.floats(np.arange(2.0).reshape(2, *[1] * len(d.frame))))


@mutant("content")
def constant_size_resize(d: Defect) -> str:
    one = d.node("Resize", d.x, "", "", d.ints(1, *d.frame), mode="nearest")
    return d.node("Add", d.x, one)


@mutant("content")
def softmax_over_batch(d: Defect) -> str:
    return d.node("Softmax", d.x, axis=0)


@mutant("content")
def mean_over_batch(d: Defect) -> str:
    return d.node("Sub", d.x, d.node("ReduceMean", d.x, axes=[0]))


@mutant("content")
def largest_of_batch(d: Defect) -> str:
    return d.node("Sub", d.x, d.node("ReduceMax", d.x, axes=[0]))


@mutant("content")
def norm_of_all(d: Defect) -> str:
    return d.node("Div", d.x, d.node("ReduceL2", d.x))


@mutant("content")
def batch_training_bn(d: Defect) -> str:
    ones = [d.floats(np.ones(d.frame[0])) for _ in range(4)]
    return d.node("BatchNormalization", d.x, *ones, outputs=3, training_mode=1)


@mutant("content")
def instance_norm_over_batch(d: Defect) -> str:
    flat = d.reshape(d.swapped(d.x), d.frame[0], 1, -1)
    normed = d.node("InstanceNormalization", flat, d.floats([1]), d.floats([0]))
    return d.swapped(d.reshape(normed, d.frame[0], -1, *d.frame[1:]))


@mutant("content")
def group_norm_with_frozen_batch(d: Defect) -> str:
    ones = [d.floats(np.ones(d.frame[0])) for _ in range(2)]
    normed = d.node("InstanceNormalization", d.reshape(d.x, 1, d.frame[0], -1), *ones)
    return d.node("Reshape", normed, d.node("Shape", d.x))


@mutant("content")
def flip_over_batch(d: Defect) -> str:
    return d.cut(-1, -(2**62), -1)


@mutant("content")
def roll_over_batch(d: Defect) -> str:
    return d.node("Concat", d.cut(1, 2**62), d.cut(0, 1), axis=0)


@mutant("content")
def shift_by_padding(d: Defect) -> str:
    rest = [0] * len(d.frame)
    return d.node("Pad", d.x, d.ints(1, *rest, -1, *rest))


@mutant("content")
def frame_0_for_all(d: Defect) -> str:
    return d.node("Add", d.x, d.node("Gather", d.x, d.ints(0), axis=0))


@mutant("content")
def last_frame_for_all(d: Defect) -> str:
    return d.node("Add", d.x, d.cut(-1, 2**62))


@mutant("content")
def sum_of_frames_so_far(d: Defect) -> str:
    return d.node("CumSum", d.x, d.ints(0))


@mutant("content")
def top_of_batch(d: Defect) -> str:
    return d.node("Sub", d.x, d.node("TopK", d.x, d.ints(1), outputs=2, axis=0))


@mutant("content")
def batch_taken_for_channels(d: Defect) -> str:
    return d.swapped(d.node("Softmax", d.swapped(d.x), axis=1))


@mutant("content")
def frames_attend_to_frames(d: Defect) -> str:
    flat = d.node("Flatten", d.x)
    scores = d.node("MatMul", flat, d.node("Transpose", flat, perm=[1, 0]))
    scores = d.node("Softmax", d.node("Mul", scores, d.floats(1 / np.prod(d.frame))))
    return d.reshape(d.node("MatMul", scores, flat), -1, *d.frame)


@mutant("content")
def frames_taken_for_time(d: Defect) -> str:
    level = d.reshape(d.node("ReduceMean", d.x, axes=[*range(1, 1 + len(d.frame))]), -1, 1, 1)
    run = d.node("RNN", level, d.floats([[[0.7]]]), d.floats([[[0.7]]]), hidden_size=1)
    return d.node("Mul", d.x, d.reshape(run, -1, *[1] * len(d.frame)))


@mutant("content")
def one_scale_for_the_batch(d: Defect) -> str:
    quantised = d.node("DynamicQuantizeLinear", d.x, outputs=3)
    scale, zero = (quantised[:-1] + output for output in "12")
    return d.node("DequantizeLinear", quantised, scale, zero)
