"""MobileFaceNet: depthwise residual blocks, GDC tail with a view, and the older tail of w600k_mbf."""

from __future__ import annotations

from functools import partial

import onnx
from torch import Tensor, nn

from tests.validate.independence.families.exporting import BATCH, exported
from tests.validate.independence.families.form import Form, refuted

FRAME = (3, 56, 56)
_WIDTH, _EMBEDDING = 8, 16


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.PReLU(outputs),
    )


class _DepthWise(nn.Module):
    """1x1, 3x3 within the channels, 1x1 without activation."""

    def __init__(self, width: int, stride: int, *, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        linear = nn.Sequential(nn.Conv2d(2 * width, width, 1, bias=False), nn.BatchNorm2d(width))
        self.layers = nn.Sequential(
            _conv(width, 2 * width, 1), _conv(2 * width, 2 * width, 3, stride, 2 * width), linear
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layers(x)
        return x + result if self.residual else result


class MobileFaceNet(nn.Module):
    """`viewed` flattens by `view(size(0), -1)`, as upstream; `pooled` ends with GDC's 7x7 depthwise convolution."""

    def __init__(self, *, viewed: bool, pooled: bool = True) -> None:
        super().__init__()
        self.viewed = viewed
        blocks = [_DepthWise(_WIDTH, 2 if index in (0, 3) else 1, residual=index not in (0, 3)) for index in range(6)]
        self.trunk = nn.Sequential(_conv(3, _WIDTH, 3, 2), _conv(_WIDTH, _WIDTH, 3, 1, _WIDTH), *blocks)
        last = nn.Conv2d(_WIDTH, 2 * _WIDTH, 7, groups=_WIDTH, bias=False) if pooled else _conv(_WIDTH, _WIDTH, 1)
        width = 2 * _WIDTH if pooled else _WIDTH * 49
        self.tail, self.flatten = last, nn.Flatten()
        self.fc, self.norm = nn.Linear(width, _EMBEDDING, bias=not pooled), nn.BatchNorm1d(_EMBEDDING)

    def forward(self, image: Tensor) -> Tensor:
        x = self.tail(self.trunk(image))
        flat = x.view(x.size(0), -1) if self.viewed else self.flatten(x)
        result: Tensor = self.norm(self.fc(flat))
        return result


def mobilefacenet(*, viewed: bool, free: bool, pooled: bool = True) -> onnx.ModelProto:
    """Opset 11, as insightface's script."""
    return exported(MobileFaceNet(viewed=viewed, pooled=pooled), FRAME, BATCH if free else None, opset=11)


FORMS = (
    Form("MobileFaceNet", "view, free batch", partial(mobilefacenet, viewed=True, free=True), FRAME),
    Form("MobileFaceNet", "flatten(1), one frame", partial(mobilefacenet, viewed=False, free=False), FRAME),
    Form(
        "MobileFaceNet",
        "w600k tail, free batch",
        partial(mobilefacenet, viewed=True, free=True, pooled=False),
        FRAME,
    ),
    refuted(
        "MobileFaceNet", "view, one frame: [1, -1]", partial(mobilefacenet, viewed=True, free=False), FRAME, "Reshape"
    ),
)
