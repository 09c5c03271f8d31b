"""YOLOv5-face's Detect layer as it exports: anchors as an axis, grids baked or from the runtime shape."""

from __future__ import annotations

from functools import partial

import onnx
import torch
from torch import Tensor, nn

from tests.validate.independence.families.exporting import BATCH, BATCH_AND_SPACE, exported
from tests.validate.independence.families.form import Form, refuted
from tests.validate.independence.families.simplifying import simplified

FRAME = (3, 64, 64)
_ANCHORS, _ROW, _STRIDES = 3, 16, (8, 16, 32)
_SIZES = torch.tensor([
    [[4.0, 5.0], [8.0, 10.0], [13.0, 16.0]],
    [[23.0, 29.0], [43.0, 55.0], [73.0, 105.0]],
    [[146.0, 217.0], [231.0, 300.0], [335.0, 433.0]],
])  # fmt: skip


class Detect(nn.Module):
    """Rows of centre, size, confidence, five points, class; `baked` keeps the grids of the first run, as upstream."""

    def __init__(self, *, baked: bool) -> None:
        super().__init__()
        self.baked = baked
        self.heads = nn.ModuleList(nn.Conv2d(8, _ANCHORS * _ROW, 1) for _ in _STRIDES)
        self.grids: dict[int, Tensor] = {}

    def forward(self, levels: list[Tensor]) -> Tensor:
        maps = [head(level) for head, level in zip(self.heads, levels, strict=True)]
        return torch.cat([self._level(index, x) for index, x in enumerate(maps)], 1)

    def _level(self, index: int, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        x = x.view(batch, _ANCHORS, _ROW, height, width).permute(0, 1, 3, 4, 2).contiguous()
        y = torch.full_like(x, 0)
        y = y + torch.cat((x[..., 0:5].sigmoid(), torch.cat((x[..., 5:15], x[..., 15:16].sigmoid()), 4)), 4)
        grid, stride, sizes = self._grid(index, x), _STRIDES[index], _SIZES[index].view(1, _ANCHORS, 1, 1, 2)
        centre, size = (y[..., 0:2] * 2 - 0.5 + grid) * stride, (y[..., 2:4] * 2) ** 2 * sizes
        points = [y[..., first : first + 2] * sizes + grid * stride for first in range(5, 15, 2)]
        return torch.cat((centre, size, y[..., 4:5], *points, y[..., 15:16]), -1).view(batch, -1, _ROW)

    def _grid(self, index: int, x: Tensor) -> Tensor:
        if not self.baked or index not in self.grids:
            rows, columns = torch.meshgrid(torch.arange(x.shape[2]), torch.arange(x.shape[3]), indexing="ij")
            self.grids[index] = torch.stack((columns, rows), 2).view(1, 1, x.shape[2], x.shape[3], 2).float()
        return self.grids[index]


class YoloFace(nn.Module):
    """Three levels of strides 8, 16, 32 with SiLU, and the Detect layer."""

    def __init__(self, *, baked: bool) -> None:
        super().__init__()
        self.steps = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.SiLU()) for inputs in (3, 8, 8, 8, 8)
        )
        self.detect = Detect(baked=baked)

    def forward(self, image: Tensor) -> Tensor:
        levels = [image := step(image) for step in self.steps]
        result: Tensor = self.detect(levels[2:])
        return result


def yolo(free: dict[int, str] | None, *, baked: bool) -> onnx.ModelProto:
    """Upstream runs the model once before it exports, which fills the grids."""
    network = YoloFace(baked=baked).eval()
    with torch.no_grad():
        network(torch.zeros(1, *FRAME))
    return exported(network, FRAME, free, opset=12)


def yolo_simplified() -> onnx.ModelProto:
    """The `--dynamic` export after a static simplifier."""
    return simplified(yolo(BATCH, baked=True), FRAME)


FORMS = (
    refuted("YOLOv5-face", "static: constant [1, 3, 16, h, w]", partial(yolo, None, baked=True), FRAME, "Reshape"),
    Form("YOLOv5-face", "--dynamic, grids baked", partial(yolo, BATCH, baked=True), FRAME),
    Form("YOLOv5-face", "grids from the runtime shape", partial(yolo, BATCH_AND_SPACE, baked=False), FRAME),
    refuted("YOLOv5-face", "--dynamic, then static-simplified", yolo_simplified, FRAME, "Reshape"),
)
