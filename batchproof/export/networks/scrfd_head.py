"""SCRFD's head: scores, boxes and landmarks of every anchor, with the batch as the first axis throughout.

Module names are those of the official checkpoints, `bbox_head.` apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)
SCORE, BBOX, KPS = 1, 4, 10  # channels of one anchor


@dataclass(frozen=True)
class HeadShape:
    """The numbers in which heads differ.

    `groups` is that of GroupNorm, None means BatchNorm. With `shared` one tower serves all levels. `scaled` heads
    multiply the boxes of each level by a learned number. `anchors` are those of one cell.
    """

    features: int
    depth: int
    groups: int | None = None
    shared: bool = False
    separable: bool = False
    scaled: bool = True
    keypoints: bool = False
    strides: tuple[int, ...] = STRIDES
    anchors: int = 2


class SCRFDHead(nn.Module):
    """A tower of convolutions and, from its features, one 3x3 convolution for each kind of output."""

    def __init__(self, inputs: int, shape: HeadShape) -> None:
        super().__init__()
        # Dictionaries keyed as in the checkpoints: "0" for a shared tower, else the text of a Python tuple.
        keys = ["0"] if shape.shared else [f"({stride}, {stride})" for stride in shape.strides]
        self.keys = keys * len(shape.strides) if shape.shared else keys
        self.cls_stride_convs = nn.ModuleDict({key: _tower(inputs, shape) for key in keys})
        self.stride_cls = _predictors(keys, shape, SCORE)
        self.stride_reg = _predictors(keys, shape, BBOX)
        self.stride_kps = _predictors(keys, shape, KPS) if shape.keypoints else None
        self.scales = nn.ModuleList(Scale() for _ in shape.strides) if shape.scaled else None

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, ...]:
        """Map the levels `[N, inputs, H / s, W / s]` to the outputs of all, finest first: scores, boxes, landmarks.

        Each is `[N, rows, 1 | 4 | 10]` with rows = H / s * W / s * anchors. Scores are probabilities; boxes and
        landmarks are distances in strides from the cell's corner.
        """
        features = [self.cls_stride_convs[key](level) for key, level in zip(self.keys, maps, strict=True)]
        scores = [_rows(self.stride_cls[key](x), SCORE).sigmoid() for key, x in zip(self.keys, features, strict=True)]
        boxes = [self.stride_reg[key](x) for key, x in zip(self.keys, features, strict=True)]
        if self.scales is not None:
            boxes = [scale(box) for scale, box in zip(self.scales, boxes, strict=True)]
        outputs = [*scores, *(_rows(box, BBOX) for box in boxes)]
        if self.stride_kps is not None:
            outputs += [_rows(self.stride_kps[key](x), KPS) for key, x in zip(self.keys, features, strict=True)]
        return tuple(outputs)


def _rows(x: Tensor, channels: int) -> Tensor:
    """One row for each anchor: `[N, A * C, h, w]` to `[N, h * w * A, C]`."""
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, channels)


def _predictors(keys: list[str], shape: HeadShape, channels: int) -> nn.ModuleDict:
    return nn.ModuleDict({key: nn.Conv2d(shape.features, shape.anchors * channels, 3, padding=1) for key in keys})


def _tower(inputs: int, shape: HeadShape) -> nn.Sequential:
    widths = [inputs] + [shape.features] * (shape.depth - 1)
    if shape.separable:
        return nn.Sequential(*(_SeparableConv(width, shape.features, shape.groups) for width in widths))
    return nn.Sequential(*(_ConvNormReLU(width, shape.features, 3, shape.groups) for width in widths))


class _ConvNormReLU(nn.Module):
    """Members `conv` and `bn` or, with groups, `gn`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, groups: int | None, *, depthwise: bool = False) -> None:
        super().__init__()
        within = inputs if depthwise else 1
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=within, bias=False)
        self.norm_name = "bn" if groups is None else "gn"
        self.add_module(self.norm_name, nn.BatchNorm2d(outputs) if groups is None else nn.GroupNorm(groups, outputs))

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.get_submodule(self.norm_name)(self.conv(x))
        return normed.relu()


class _SeparableConv(nn.Module):
    """A 3x3 convolution within each channel, then a 1x1 across them, each with its norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, groups: int | None) -> None:
        super().__init__()
        self.depthwise_conv = _ConvNormReLU(inputs, inputs, 3, groups, depthwise=True)
        self.pointwise_conv = _ConvNormReLU(inputs, outputs, 1, groups)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.pointwise_conv(self.depthwise_conv(x))
        return mixed


class Scale(nn.Module):
    """One learned number, under the name `scale`."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply by it."""
        return x * self.scale
