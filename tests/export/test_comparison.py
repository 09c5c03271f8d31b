from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from batchproof.export.comparison import is_absolute, row_differences, torch_outputs
from batchproof.zoo import families
from batchproof.zoo.spec import OutputSpec

SCORE, BOX, EMBEDDING = OutputSpec("s", "score", 1), OutputSpec("b", "bbox", 4), OutputSpec("e", "embedding", 2)


def test_scores_are_taken_as_they_are() -> None:
    expected = np.array([[[1e-5]], [[2e-5]]], np.float32)
    found = expected + np.array([[[0]], [[1e-5]]], np.float32)
    np.testing.assert_allclose(row_differences(SCORE, expected, found), [0, 1e-5], rtol=1e-5)
    assert is_absolute(SCORE)


@pytest.mark.parametrize("output", [BOX, EMBEDDING])
def test_all_else_is_taken_in_parts_of_the_largest_value_of_all_rows(output: OutputSpec) -> None:
    expected = np.array([[1, -2], [-40, 3]], np.float32)
    found = np.array([[1, -4], [-40, 7]], np.float32)
    np.testing.assert_allclose(row_differences(output, expected, found), [0.05, 0.1], rtol=1e-6)
    assert not is_absolute(output)


def test_nan_and_an_output_of_zeros_have_figures() -> None:
    zeros = np.zeros((2, 2), np.float32)
    found = np.array([[0, 0], [0, np.nan]], np.float32)
    np.testing.assert_array_equal(row_differences(BOX, zeros, found), [0, np.nan])
    assert row_differences(BOX, zeros, zeros + 1).min() > 1


@pytest.mark.filterwarnings("error")
def test_infinities_have_no_difference_and_no_warning() -> None:
    infinite = np.full((1, 2), np.inf, np.float32)
    assert np.isnan(row_differences(SCORE, infinite, infinite)).all()


def test_outputs_go_by_their_names_and_none_is_lost() -> None:
    class Two(nn.Module):
        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return images, images + 1

    image = np.zeros((1, 3, 2, 2), np.float32)
    spec = families.arcface(embedding=64)
    assert torch_outputs(nn.Identity(), spec, image)[spec.outputs[0].name].shape == image.shape
    with pytest.raises(ValueError, match="longer"):
        torch_outputs(Two(), spec, image)
