"""How the random weights of each architecture are scaled, so that its activations neither die nor explode.

How the constants came about. Filters sum to zero and have norm 1: what the ReLU before them adds to all channels alike
is cancelled, and pictures stay apart however deep the network. Channels of variance 1 have 0.34 behind a ReLU and 0.44
behind a PReLU of slope 0.25; gains of 1/sqrt of that, 1.7 and 1.5, keep the variance. Everything is then linear in the
contrast of the picture, without thresholds that could die. Where every block adds a branch to its input, the branches'
gains fall with the number of blocks. Measured on pictures with the structure of photographs, two seeds of every
architecture: standard deviations behind every norm between 0.2 and 5, and no value above 100. The detectors' biases and
score gain were then chosen so that seed 500 of `scrfd_500m_bnkps` finds 20 to 400 anchors above 0.5 in photographs at
640x640, with boxes of some 5 to 50 pixels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

from batchproof.export.networks import adaface, iresnet, mobilefacenet, scrfd, vit
from batchproof.export.networks.backbones import Four

# Right eye, left eye, nose, mouth corners around the anchor, in strides.
_FACE = (-1.0, -1.0, 1.0, -1.0, 0.0, 0.0, -0.75, 1.0, 0.75, 1.0)

# Trained scores have gaps; random ones have none, and suppression would choose another of two nearly equal neighbours
# whenever a bit in half precision moves. So boxes are small beside their cells, and one anchor of each cell is mute.
_CLASS, _MUTE = -0.8, -8.0

_BEHIND_RELU, _BEHIND_PRELU = 1.65, 1.5


@dataclass(frozen=True)
class Recipe:
    """Gains of the layers, by the first pattern that their name matches; biases of those whose bias is not zero."""

    default_gain: float
    gains: Mapping[str, float] = field(default_factory=dict)
    biases: Mapping[str, float | tuple[float, ...]] = field(default_factory=dict)

    def gain(self, name: str) -> float:
        """Return the factor of the layer `name`."""
        return next((gain for pattern, gain in self.gains.items() if re.search(pattern, name)), self.default_gain)

    def bias(self, name: str) -> float | tuple[float, ...]:
        """Return the bias of the layer `name`, one for all its channels or one for each."""
        return next((bias for pattern, bias in self.biases.items() if re.search(pattern, name)), 0.0)


def _scrfd(variant: scrfd.Variant) -> Recipe:
    anchors = variant.head.anchors
    # A residual network's laterals read sums of blocks, of variance 1 and up.
    lateral = 1.0 if isinstance(variant.backbone, scrfd.ResNetShape) else _BEHIND_RELU
    return Recipe(
        _BEHIND_RELU,
        gains={
            # The end of a residual block, behind a ReLU, and in a bottleneck its middle.
            r"layer\d\.\d+\.(conv2|conv3)$": 0.8,
            r"lateral": lateral,
            # Behind the laterals there is no ReLU, and up to three maps of variance 1 are added.
            r"neck": 0.7,
            r"stride_cls": 0.5,
            r"stride_reg": 0.3,
            r"stride_kps": 0.1,
        },
        biases={r"stride_cls": (_CLASS, _MUTE)[:anchors], r"stride_reg": 0.8, r"stride_kps": anchors * _FACE},
    )


def _iresnet(blocks: Four) -> Recipe:
    """Scale a network of residual blocks, of which the very first alone stands behind an activation."""
    first = r"layer1\.0\.(conv1|downsample)|body\.0\.res_layer\.1"
    return Recipe(1.0, {first: _BEHIND_PRELU, r"conv2|res_layer\.4": _branch(blocks)})


def _branch(blocks: Four) -> float:
    """Return the gain of what each block adds to its input, behind a PReLU: all of them raise the variance tenfold."""
    return 1.5 * _BEHIND_PRELU / sqrt(sum(blocks))


_VIT = Recipe(1.0, {r"mlp\.fc2": 0.5 * _BEHIND_RELU})


def _mobilefacenet(blocks: Four) -> Recipe:
    """Scale a network whose blocks begin without an activation before them; so do the last stage and the embedding."""
    return Recipe(
        _BEHIND_PRELU,
        gains={
            r"^layers\.[1357]\.layers\.\d+\.layers\.0|^layers\.[46]\.layers\.0|conv_sep|features\.layers\.2": 1.0,
            r"^layers\.[1357]\.layers\.\d+\.layers\.2": _branch(blocks),
        },
    )


_MOBILEFACENET_MAY_2021 = Recipe(
    _BEHIND_PRELU,
    gains={
        r"model\.\d+\.conv\.|conv_(34|45)\.conv\.|conv_6_sep|linear": 1.0,
        r"model\.\d+\.project": _branch((1, 4, 6, 2)),
    },
)

_MOBILEFACENET_112 = Recipe(
    _BEHIND_RELU,
    gains={r"features\.[1-9]\d*\.conv\.0|conv2|conv3": 1.0, r"features\.\d+\.conv\.2": 0.8},
)

RECIPES: dict[str, Recipe] = {
    **{f"scrfd_{name}": _scrfd(variant) for name, variant in scrfd.VARIANTS.items()},
    **{name: _iresnet(blocks) for name, blocks in (iresnet.VARIANTS | adaface.VARIANTS).items()},
    **dict.fromkeys(vit.VARIANTS, _VIT),
    **{name: _mobilefacenet(variant.blocks) for name, variant in mobilefacenet.VARIANTS.items()},
    "mbf_may_2021": _MOBILEFACENET_MAY_2021,
    "mobilefacenet_112": _MOBILEFACENET_112,
}
