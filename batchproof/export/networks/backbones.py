"""SCRFD's two backbones, ResNetV1e and MobileNetV1: from images to the maps at strides 8, 16 and 32.

Images are `[N, 3, H, W]` float32, H and W multiples of 32. Convolutions have no bias. Module names are those of the
official checkpoints, `backbone.` apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

EXPANSION = 4  # of a bottleneck: its output channels over its planes

Block = Literal["basic", "bottleneck"]
Four = tuple[int, int, int, int]


def conv_bn(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> tuple[nn.Module, nn.Module]:
    """A convolution padded to keep the size (over its stride), and its BatchNorm."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return conv, nn.BatchNorm2d(outputs)


def separable(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """A 3x3 convolution within each channel, then a 1x1 across them, each with BatchNorm and ReLU."""
    depthwise = conv_bn(inputs, inputs, 3, stride=stride, groups=inputs)
    return nn.Sequential(*depthwise, nn.ReLU(), *conv_bn(inputs, outputs, 1), nn.ReLU())


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """Pool, 1x1 convolution and BatchNorm where a block changes size or channels; None where it does not.

    Training pools with `ceil_mode`, which on even sizes, all there are here, is this pool. Stride 1 needs none, but
    the checkpoints number the convolution 1.
    """
    if stride == 1 and inputs == outputs:
        return None
    pool = nn.Identity() if stride == 1 else nn.AvgPool2d(stride)
    return nn.Sequential(pool, *conv_bn(inputs, outputs, 1))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, the first with the stride, beside the shortcut."""

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv_bn(inputs, planes, 3, stride=stride)
        self.conv2, self.bn2 = conv_bn(planes, planes, 3)
        self.downsample = shortcut(inputs, planes, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[N, inputs, H, W]` to `[N, planes, H / stride, W / stride]`."""
        branch: Tensor = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (branch + (x if self.downsample is None else self.downsample(x))).relu()


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride and 1x1 to four times the planes, beside the shortcut."""

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv_bn(inputs, planes, 1)
        self.conv2, self.bn2 = conv_bn(planes, planes, 3, stride=stride)
        self.conv3, self.bn3 = conv_bn(planes, planes * EXPANSION, 1)
        self.downsample = shortcut(inputs, planes * EXPANSION, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[N, inputs, H, W]` to `[N, 4 * planes, H / stride, W / stride]`."""
        branch: Tensor = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        branch = self.bn3(self.conv3(branch))
        return (branch + (x if self.downsample is None else self.downsample(x))).relu()


class Backbone(nn.Module):
    """A stem and four stages `layer1` to `layer4`, the last three of which give the maps."""

    def __init__(self, stem: nn.Module, stages: Sequence[nn.Module], channels: Sequence[int]) -> None:
        super().__init__()
        self.channels = tuple(channels[1:])
        self.stem = stem
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, images: Tensor) -> list[Tensor]:
        """Give three maps, `[N, channels[i], H / s, W / s]` for s = 8, 16, 32."""
        x = self.layer1(self.stem(images))
        maps: list[Tensor] = []
        for stage in (self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return maps


def resnet_v1e(block: Block, base: int, blocks: Four, planes: Four) -> Backbone:
    """ResNet with three convolutions and a 2x2 pool in the stem, and with pooled shortcuts."""
    make, widening = (BasicBlock, 1) if block == "basic" else (Bottleneck, EXPANSION)
    stages, channels, before = [], [], base
    for depth, width, stride in zip(blocks, planes, (1, 2, 2, 2), strict=True):
        after = width * widening
        stages.append(nn.Sequential(make(before, width, stride), *(make(after, width, 1) for _ in range(depth - 1))))
        channels.append(after)
        before = after
    return Backbone(_deep_stem(base), stages, channels)


def _deep_stem(base: int) -> nn.Sequential:
    half = base // 2
    first, second, third = conv_bn(3, half, 3, stride=2), conv_bn(half, half, 3), conv_bn(half, base, 3)
    return nn.Sequential(*first, nn.ReLU(), *second, nn.ReLU(), *third, nn.ReLU(), nn.MaxPool2d(2))


def mobilenet_v1(blocks: Four, stem: tuple[int, int], planes: Four) -> Backbone:
    """MobileNet of depthwise-separable blocks; the first block of every stage halves the size."""
    stages, before = [], stem[1]
    for depth, width in zip(blocks, planes, strict=True):
        stages.append(nn.Sequential(separable(before, width, 2), *(separable(width, width) for _ in range(depth - 1))))
        before = width
    first = nn.Sequential(*conv_bn(3, stem[0], 3, stride=2), nn.ReLU())
    return Backbone(nn.Sequential(first, separable(*stem)), stages, planes)
