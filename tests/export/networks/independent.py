"""Whether the rows of a batch are what the network makes of each image alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def assert_rows_are_single_runs(network: nn.Module, images: Tensor) -> list[Tensor]:
    """Compare in double precision, where rounding and influence cannot be mistaken; return the outputs."""
    network, images = network.double(), images.double() * 2 - 1
    with torch.inference_mode():
        outputs = _listed(network(images))
        single = [_listed(network(image[None])) for image in images]
    for index, output in enumerate(outputs):
        rows = torch.cat([each[index] for each in single])
        assert (output - rows).abs().max() < 1e-9
        assert (rows[0] - rows[1]).abs().max() > 1e-2
    return outputs


def _listed(outputs: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    return list(outputs) if isinstance(outputs, tuple) else [outputs]
