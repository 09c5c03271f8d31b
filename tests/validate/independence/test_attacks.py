"""Graphs that were once proven and are not safe: arithmetic on shapes that machines do in another way than algebra.

Each condition decides whether frames stay apart. The prover took it to hold, or to hold for every batch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from onnx import TensorProto

from batchproof.validate.independence import prove
from batchproof.verdict import Status
from tests.validate.independence.attack import Attack, assert_caught

Condition = Callable[[Attack], str]


def float_rounding(a: Attack) -> str:
    """N + 2^25 - 2^25 is not N in float32."""
    n, large = a.node("Cast", a.batch(), to=TensorProto.FLOAT), a.floats(2**25)
    return a.node("Equal", n, a.node("Sub", a.node("Add", n, large), large))


def float_of_a_large_integer(a: Attack) -> str:
    """2^24 + 1 becomes 2^24 in float32."""
    cast = a.node("Cast", a.constant(2**24 + 1), to=TensorProto.FLOAT)
    return a.node("Greater", cast, a.floats(2**24))


def fraction_too_fine_beside_a_large_number(a: Attack) -> str:
    """Both are exact in float32, their sum is not."""
    return a.node("Greater", a.node("Add", a.floats(65535), a.floats(1 / 4096)), a.floats(65535))


def integer_overflow(a: Attack) -> str:
    """N * 2^64 is 0 in int64."""
    large = a.constant(2**32)
    return a.node("Greater", a.node("Mul", a.node("Mul", a.batch(), large), large), a.constant(0))


def small_integer_overflow(a: Attack) -> str:
    """N * 2^32 is 0 in int32."""
    n, large = a.node("Cast", a.batch(), to=TensorProto.INT32), a.constant(65536, np.int32)
    return a.node("Greater", a.node("Mul", a.node("Mul", n, large), large), a.constant(0, np.int32))


def smallest_integer_negated(a: Attack) -> str:
    """-(-2^63) is -2^63 again."""
    return a.node("Greater", a.node("Neg", a.constant(-(2**63))), a.constant(0))


def smallest_int32_negated(a: Attack) -> str:
    """-(-2^31) is -2^31 again, although int64 would hold it."""
    return a.node("Greater", a.node("Neg", a.constant(-(2**31), np.int32)), a.constant(0, np.int32))


def bytes_wrap(a: Attack) -> str:
    """200 + 100 is 44 in uint8."""
    total = a.node("Add", a.constant(200, np.uint8), a.constant(100, np.uint8))
    return a.node("Greater", a.node("Cast", total, to=TensorProto.INT64), a.constant(200))


def unsigned_wrap(a: Attack) -> str:
    """1 - 2 is 2^64 - 1 in uint64."""
    return a.node("Less", a.node("Sub", a.constant(1, np.uint64), a.constant(2, np.uint64)), a.constant(1, np.uint64))


def constant_truncated(a: Attack) -> str:
    """2^32 + 1 becomes 1 in int32."""
    cast = a.node("Cast", a.constant(2**32 + 1), to=TensorProto.INT32)
    return a.node("Greater", cast, a.constant(5, np.int32))


def batch_truncated(a: Attack) -> str:
    """N * 2^32 becomes 0 in int32."""
    cast = a.node("Cast", a.node("Mul", a.batch(), a.constant(2**32)), to=TensorProto.INT32)
    return a.node("Greater", cast, a.constant(0, np.int32))


def empty_range(a: Attack) -> str:
    """From 3 to N there are 0 numbers, not N - 3, when N is less than 3."""
    counted = a.node("Range", a.constant(3), a.batch(), a.constant(1))
    return a.node("Equal", a.node("Add", a.length(counted, 0), a.constant(3)), a.batch())


def batch_above_the_start_of_a_range(a: Attack) -> str:
    """The length of the range was declared positive, and with it N - 3."""
    a.length(a.node("Range", a.constant(3), a.batch(), a.constant(1)), 0)
    return a.node("Greater", a.batch(), a.constant(3))


def range_of_floats(a: Attack) -> str:
    """The values of a range were taken for integers: 3.0 / 2.0 was 1."""
    one = a.floats(1)
    three, two = (a.node("Range", a.floats(start), a.floats(start + 1), one) for start in (3, 2))
    return a.node("Squeeze", a.node("Equal", a.node("Div", three, two), a.floats([1])), a.constant([0]))


def range_of_fractions(a: Attack) -> str:
    """From 0.5 to 3 by 1 there are 3 numbers, not 2.5."""
    counted = a.node("Range", a.floats(0.5), a.floats(3), a.floats(1))
    return a.node("Less", a.length(counted, 0), a.constant(3))


def range_of_fractions_up_to_the_batch(a: Attack) -> str:
    """From 0.5 to N by 1 there are N numbers, not N - 0.5."""
    n = a.node("Cast", a.batch(), to=TensorProto.FLOAT)
    return a.node("Less", a.length(a.node("Range", a.floats(0.5), n, a.floats(1)), 0), a.batch())


def integers_chosen_by_floats(a: Attack) -> str:
    """The number that a Where chose was taken for a float as its condition came from floats: 5 / 2 * 2 was 5."""
    chosen = a.node("Where", a.node("Greater", a.floats(1), a.floats(0.5)), a.constant(5), a.constant(3))
    half = a.node("Div", chosen, a.constant(2))
    return a.node("Equal", a.node("Mul", half, a.constant(2)), a.constant(5))


CONDITIONS: list[Condition] = [
    float_rounding, float_of_a_large_integer, fraction_too_fine_beside_a_large_number, integer_overflow,
    small_integer_overflow, smallest_integer_negated, smallest_int32_negated, bytes_wrap, unsigned_wrap,
    constant_truncated, batch_truncated, empty_range, batch_above_the_start_of_a_range, range_of_floats,
    range_of_fractions, range_of_fractions_up_to_the_batch, integers_chosen_by_floats,
]  # fmt: skip


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_that_only_algebra_decides_is_not_followed(condition: Condition) -> None:
    attack = Attack(3, 4)
    assert_caught(attack.model(attack.untouched_if(condition(attack))), 3, 4)


def quotient_of_a_sum(a: Attack) -> str:
    """(W + 5) / 4 is 1 + (W + 1) / 4, of which the second was taken to be 1 or more: it is 0 for W = 2."""
    quotient = a.node("Div", a.node("Add", a.length("x", 1), a.constant(5)), a.constant(4))
    return a.node("Greater", quotient, a.constant(1))


def remainder_of_a_small_number(a: Attack) -> str:
    """W modulo 32 is W for W = 2; but W / 32 was taken to be 1 or more."""
    return a.node("Less", a.node("Mod", a.length("x", 1), a.constant(32)), a.length("x", 1))


def length_after_padding(a: Attack) -> str:
    """There are 1 + W / 4 windows of 2 in a row of W + 2, which was taken to be 2 or more: it is 1 for W = 2."""
    windows = a.node("MaxPool", a.node("Unsqueeze", "x", a.constant([1])), kernel_shape=[2], strides=[4], pads=[1, 1])
    return a.node("Greater", a.length(windows, 2), a.constant(1))


def division_by_zero(a: Attack) -> str:
    """(W - 2) * 7 / (W - 2) is 7, but not for W = 2."""
    zero = a.node("Cast", a.node("Sub", a.length("x", 1), a.constant(2)), to=TensorProto.FLOAT)
    return a.node("Equal", a.node("Div", a.node("Mul", zero, a.floats(7)), zero), a.floats(7))


@pytest.mark.parametrize(
    "condition", [quotient_of_a_sum, remainder_of_a_small_number, length_after_padding, division_by_zero]
)
def test_a_condition_that_holds_for_large_frames_only_is_not_followed(condition: Condition) -> None:
    attack = Attack("W")
    assert_caught(attack.model(attack.untouched_if(condition(attack))), 2)


@pytest.mark.parametrize("operator", ["Range", "ConstantOfShape", "Expand", "Gather"])
def test_a_constant_too_large_to_follow_takes_no_memory(operator: str) -> None:
    attack = Attack(3, 4)
    large = attack.constant([40_000, 40_000])
    if operator == "Range":
        attack.node("Range", attack.constant(0), attack.constant(10**9), attack.constant(1))
    elif operator == "ConstantOfShape":
        attack.node("ConstantOfShape", large)
    elif operator == "Expand":
        attack.node("Expand", attack.constant([1]), large)
    else:
        table, zeros = attack.constant(np.zeros((1, 1024))), attack.constant(np.zeros(1024))
        attack.node("Gather", attack.node("Gather", table, zeros), zeros)
    assert prove(attack.model(attack.untouched_if(attack.constant(True, np.bool_)))).status is Status.PROVEN
