from __future__ import annotations

import pytest
from torch import Tensor, nn

from tests.export.recovery.rewriting import assert_computes, first, random_weights, recovered, set_inputs
from tests.export.recovery.tiny_network import exported


class Twins(nn.Module):
    """A sum of two branches that differ four layers before it, in the slope alone."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Sequential(nn.Conv2d(3, 3, 1), nn.PReLU(3), nn.BatchNorm2d(3), nn.ReLU(), nn.BatchNorm2d(3))
        self.right = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sigmoid(), nn.BatchNorm2d(3), nn.ReLU(), nn.BatchNorm2d(3))

    def forward(self, faces: Tensor) -> Tensor:
        y: Tensor = self.left(faces) + self.right(faces)
        return y


@pytest.mark.parametrize("swapped", [False, True])
def test_branches_that_look_alike_are_followed_until_they_do_not(swapped: bool) -> None:
    model = exported(random_weights(Twins()), folded=False)
    if swapped:
        total = first(model, "Add")
        set_inputs(total, total.input[::-1])
    assert_computes(recovered(Twins, model), model)
