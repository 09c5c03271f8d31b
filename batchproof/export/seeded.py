"""Deterministic random weights in a true architecture, for the demo pack: no weights are shipped, yet all stages run.

The weights come from integers by single IEEE operations, so that one seed gives the same bytes on every processor and
with any number of threads. `networks/recipes.py` says how they are scaled.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from batchproof.export.networks.catalogue import architecture
from batchproof.export.networks.recipes import RECIPES, Recipe
from batchproof.export.networks.scrfd_head import Scale
from batchproof.export.networks.vit import VisionTransformer

_GRAIN = 1000  # weights are made of integers up to this, so that no sum for the 110592 inputs of vit_l exceeds 2**63
_PRELU_SLOPE = 0.25  # torch's own initial value
_DEPTHWISE_EDGE = 0.7  # norm of what is added to the centre of a depthwise filter
_STEM_EDGE, _STEM_BRIGHTNESS = 3.0, 1.5  # pixels vary by 0.5 over a picture, and by much less within a filter
_POSITION = 4.0  # norm of the vector that tells a patch's place, beside one of some 16 to 28 that tells its pixels


def seeded(name: str, seed: int) -> nn.Module:
    """Build architecture `name`, in evaluation mode, with weights that depend on `seed` alone.

    Torch's global generator is neither read nor moved. Raises `InputError` for an unknown architecture.
    """
    network = architecture(name).skeleton().to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        _fill(network, RECIPES[name], generator)
    return network


def _fill(network: nn.Module, recipe: Recipe, generator: torch.Generator) -> None:
    """Fill modules in their order of definition, in which a BatchNorm follows its convolution."""
    gain = 1.0
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and module.bias is None:
            module.weight.copy_(_filters(module, generator))
            gain = 1.0 if module.in_channels == 3 or _is_depthwise(module) else recipe.gain(name)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            _fill_layer(module, name, recipe, generator)
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            _normalise(module, gain)
            gain = 1.0
        elif isinstance(module, nn.GroupNorm | nn.LayerNorm):
            module.reset_parameters()  # weight 1, bias 0
        else:
            _fill_own(module, generator)


def _fill_layer(layer: nn.Conv2d | nn.Linear, name: str, recipe: Recipe, generator: torch.Generator) -> None:
    """Fill a layer that carries its gain itself."""
    layer.weight.copy_(recipe.gain(name) * _filters(layer, generator))
    if layer.bias is not None:
        layer.bias.copy_(torch.tensor(recipe.bias(name)).expand(layer.bias.shape))


def _fill_own(module: nn.Module, generator: torch.Generator) -> None:
    """Fill what modules hold beside layers and norms."""
    if isinstance(module, nn.PReLU):
        module.weight.fill_(_PRELU_SLOPE)
    elif isinstance(module, Scale):
        module.scale.fill_(1.0)
    elif isinstance(module, VisionTransformer):
        module.pos_embed.copy_(_POSITION * _unit_filters(module.pos_embed.shape[1:], generator))
        module.mask_token.zero_()


def _normalise(norm: nn.BatchNorm2d | nn.BatchNorm1d, gain: float) -> None:
    norm.reset_parameters()  # mean 0, variance 1 and, where it has them, weight 1 and bias 0
    if norm.affine:
        norm.weight.fill_(gain)


def _is_depthwise(conv: nn.Conv2d) -> bool:
    return conv.groups == conv.in_channels and conv.kernel_size == (3, 3)


def _filters(layer: nn.Conv2d | nn.Linear, generator: torch.Generator) -> Tensor:
    """Unit filters; in a depthwise convolution beside a centre of 1, in the stem beside a brightness of either sign."""
    edges = _unit_filters(layer.weight.shape, generator)
    if isinstance(layer, nn.Linear):
        return edges
    if _is_depthwise(layer):
        centre = torch.zeros_like(edges)
        centre[:, :, 1, 1] = 1.0
        return centre + _DEPTHWISE_EDGE * edges
    if layer.in_channels == 3:
        sign = 2.0 * torch.randint(2, (layer.out_channels, 1, 1, 1), generator=generator) - 1.0
        return _STEM_EDGE * edges + sign.double() * (_STEM_BRIGHTNESS / edges[0].numel())
    return edges


def _unit_filters(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Random filters, float64, each of sum 0 and norm 1."""
    inputs = shape[1:].numel()
    integers = torch.randint(-_GRAIN, _GRAIN + 1, (shape[0], inputs), generator=generator)
    sums, squares = integers.sum(dim=1, keepdim=True), integers.square().sum(dim=1, keepdim=True)
    # The norm of the centred integers, by way of sums that no order of summation can change.
    norms = ((inputs * squares - sums.square()).double() * inputs).sqrt()
    return ((integers * inputs - sums).double() / norms).reshape(shape)
