"""One face for the official code of InsightFace (7fadd420, for MobileFaceNet's generations f089b660 and bb611ed6) and
AdaFace (c60eaa78), which load these weights with `strict=True`. The tests hold what they computed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from batchproof.export.seeded import seeded

FACE = (torch.arange(3 * 112 * 112, dtype=torch.float64) * 7919 % 1009 / 504 - 1).reshape(1, 3, 112, 112)


def network(name: str) -> nn.Module:
    """Build the network `name` with seed 0 and, as training leaves them, norms and slopes that differ."""
    built = seeded(name, 0).double()
    for place, tensor in enumerate(built.state_dict().values()):
        if tensor.dim() == 1:
            tensor.add_(0.2 * ((torch.arange(len(tensor)) + place) * 37 % 11 / 10 - 0.5))
    return built


def outputs(name: str) -> list[Tensor]:
    """Give what the network `name` makes of `FACE`, in double precision."""
    with torch.inference_mode():
        given = network(name)(FACE)
    return list(given) if isinstance(given, tuple) else [given]
