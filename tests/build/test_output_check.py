import numpy as np
import pytest

from batchproof.build.output_check import largest_difference, problem
from batchproof.runtime import Outputs


def outputs(**values: list[float]) -> Outputs:
    return {name: np.array(numbers, np.float32) for name, numbers in values.items()}


def test_outputs_have_a_row_for_each_image_and_are_finite() -> None:
    assert problem(outputs(score=[0.1, 0.2]), 2) is None
    assert problem(outputs(score=[0.1, 0.2]), 3) == "output 'score' is [2] for 3 images"
    assert problem(outputs(score=[0.1, float("nan")]), 2) == "output 'score' holds NaN or Inf for 2 images"
    assert problem({"score": np.array(0.5, np.float32)}, 1) == "output 'score' is [] for 1 images"


def test_the_output_that_is_farthest_is_named() -> None:
    found, expected = outputs(score=[0.5], box=[1.0]), outputs(score=[0.25], box=[1.0])
    assert largest_difference(found, expected) == (0.25, "score")


def test_large_outputs_are_measured_in_parts_of_their_peak() -> None:
    difference, _ = largest_difference(outputs(norm=[84.0, 1.0]), outputs(norm=[80.0, 1.0]))
    assert difference == pytest.approx(0.05)


@pytest.mark.parametrize("found", [outputs(score=[0.5, 0.5]), outputs(other=[0.5])])
def test_another_shape_or_name_is_infinitely_far(found: Outputs) -> None:
    assert largest_difference(found, outputs(score=[0.5])) == (float("inf"), "score")


def test_a_reference_that_is_not_finite_equals_nothing() -> None:
    assert largest_difference(outputs(score=[1.0]), outputs(score=[float("inf")]))[0] == float("inf")
