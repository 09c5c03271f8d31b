"""Random networks whose outputs depend on their input; with torch's initial statistics they hardly do."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def alive(network: Network, size: tuple[int, int]) -> Network:
    """Set every BatchNorm to the statistics of one batch of noise, and all to evaluation mode."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = None  # the mean of all batches, that is of the one
    with torch.no_grad():
        network.train()(torch.rand(4, 3, *size) * 2 - 1)
    return network.eval()
