"""Deterministic random weights in a true architecture, for the demo pack: no weights are shipped, yet all stages run.

The weights come from integers by single IEEE operations, so that one seed gives the same bytes on every processor and
with any number of threads.

How the constants came about. Filters sum to zero and have norm 1: what the ReLU before them adds to all channels alike
is cancelled, and pictures stay apart however deep the network. Channels of variance 1 have 0.34 behind a ReLU and 0.44
behind a PReLU of slope 0.25; gains of 1/sqrt of that, 1.7 and 1.5, keep the variance. Everything is then linear in the
contrast of the picture, without thresholds that could die. Depthwise filters keep their centre, for smooth pictures
would vanish in 13 pure edge filters one after the other. Measured on eight photographs and 37 faces, several seeds:
standard deviations behind every BatchNorm between 0.2 and 3. The detector's biases and score gain were then chosen so
that seed 500 finds 20 to 400 anchors above 0.5 in photographs at 640x640, with boxes of some 5 to 50 pixels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from batchproof.errors import InputError
from batchproof.export.networks.catalogue import architecture

_GRAIN = 1000  # weights are made of integers up to this; their sums of squares stay below 2**53
_PRELU_SLOPE = 0.25  # torch's own initial value
_DEPTHWISE_EDGE = 0.7  # norm of what is added to the centre of a depthwise filter
_STEM_EDGE, _STEM_BRIGHTNESS = 3.0, 1.5  # pixels vary by 0.5 over a picture, and by much less within a filter

# Right eye, left eye, nose, mouth corners around the anchor, in strides, for each of the two anchors of a cell.
_FACE = 2 * (-1.0, -1.0, 1.0, -1.0, 0.0, 0.0, -0.75, 1.0, 0.75, 1.0)

# Trained scores have gaps; random ones have none, and suppression would choose another of two nearly equal neighbours
# whenever a bit in half precision moves. So boxes are small beside their cells, and one anchor of each cell is mute.
_CLASS = (-0.8, -8.0)


@dataclass(frozen=True)
class _Recipe:
    """Gains of the convolutions, by the first pattern that their name matches; biases of those that have one."""

    gain: float
    gains: Mapping[str, float]
    biases: Mapping[str, float | tuple[float, ...]] = field(default_factory=dict)


RECIPES = {
    "scrfd_500m_bnkps": _Recipe(
        gain=1.65,
        # Behind the laterals there is no ReLU, and up to three maps of variance 1 are added.
        gains={r"neck\.(?!lateral)": 0.7, r"stride_cls": 0.5, r"stride_reg": 0.3, r"stride_kps": 0.1},
        biases={r"stride_cls": _CLASS, r"stride_reg": 0.8, r"stride_kps": _FACE},
    ),
    "mbf": _Recipe(
        gain=1.5,
        gains={
            # No activation stands before the first convolution of a block, nor before the last stage.
            r"layers\.[357]\.layers\.\d\.layers\.0|layers\.[46]\.layers\.0|conv_sep": 1.0,
            # What a block adds to its input stays small beside it.
            r"layers\.[357]\.layers\.\d\.layers\.2": 0.6,
        },
    ),
}


def seeded(name: str, seed: int) -> nn.Module:
    """Build architecture `name`, in evaluation mode, with weights that depend on `seed` alone.

    Torch's global generator is neither read nor moved. Raises `InputError` for an architecture without a recipe.
    """
    if name not in RECIPES:
        raise InputError(f"no seeded weights for '{name}'", remedy=f"There are some for {', '.join(RECIPES)}")
    network = architecture(name).skeleton().to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        _fill(network, RECIPES[name], generator)
    return network


def _fill(network: nn.Module, recipe: _Recipe, generator: torch.Generator) -> None:
    """Fill modules in their order of definition, in which every BatchNorm follows its convolution."""
    gain = 1.0
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            gain = _gain(name, module, recipe)
            filters = _filters(module, generator)
            module.weight.copy_(filters if module.bias is None else gain * filters)
            if module.bias is not None:
                module.bias.copy_(_bias(name, module.out_channels, recipe))
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            _normalise(module, gain)
        elif isinstance(module, nn.Linear):
            gain = 1.0
            module.weight.copy_(_unit_filters(module.weight.shape, generator))
        elif isinstance(module, nn.PReLU):
            module.weight.fill_(_PRELU_SLOPE)


def _gain(name: str, conv: nn.Conv2d, recipe: _Recipe) -> float:
    if conv.in_channels == 3 or _is_depthwise(conv):
        return 1.0
    return next((gain for pattern, gain in recipe.gains.items() if re.search(pattern, name)), recipe.gain)


def _bias(name: str, channels: int, recipe: _Recipe) -> Tensor:
    value = next((value for pattern, value in recipe.biases.items() if re.search(pattern, name)), 0.0)
    return torch.tensor(value).expand(channels)


def _normalise(norm: nn.BatchNorm2d | nn.BatchNorm1d, gain: float) -> None:
    norm.reset_running_stats()  # mean 0, variance 1
    norm.weight.fill_(gain)
    norm.bias.zero_()


def _is_depthwise(conv: nn.Conv2d) -> bool:
    return conv.groups == conv.in_channels and conv.kernel_size == (3, 3)


def _filters(conv: nn.Conv2d, generator: torch.Generator) -> Tensor:
    """Unit filters; in a depthwise convolution beside a centre of 1, in the stem beside a brightness of either sign."""
    edges = _unit_filters(conv.weight.shape, generator)
    if _is_depthwise(conv):
        centre = torch.zeros_like(edges)
        centre[:, :, 1, 1] = 1.0
        return centre + _DEPTHWISE_EDGE * edges
    if conv.in_channels == 3:
        sign = 2.0 * torch.randint(2, (conv.out_channels, 1, 1, 1), generator=generator) - 1.0
        return _STEM_EDGE * edges + sign.double() * (_STEM_BRIGHTNESS / edges[0].numel())
    return edges


def _unit_filters(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Random filters, float64, each of sum 0 and norm 1."""
    integers = torch.randint(-_GRAIN, _GRAIN + 1, (shape[0], shape[1:].numel()), generator=generator)
    centred = integers * integers.shape[1] - integers.sum(dim=1, keepdim=True)
    return (centred.double() / centred.square().sum(dim=1, keepdim=True).double().sqrt()).reshape(shape)
