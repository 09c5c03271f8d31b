"""SCRFD after the sheet's sections 1.3 and 1.5: backbone, PAFPN, shared tower; official and batched tail."""

from __future__ import annotations

from functools import partial

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.validate.independence.families.exporting import BATCH_AND_SPACE, SPACE, exported
from tests.validate.independence.families.form import Form, refuted
from tests.validate.independence.families.simplifying import simplified

FRAME = (3, 64, 96)
_WIDTH, _FEATURES = 8, 16
_CHANNELS = {"score": 1, "bbox": 4, "kps": 10}
_NAMES = [f"{kind}_{stride}" for kind in _CHANNELS for stride in (8, 16, 32)]


class SCRFD(nn.Module):
    """`groups` puts GroupNorm into the head; `official` takes the tail that files of the packs have."""

    def __init__(self, *, groups: int | None = None, official: bool = False) -> None:
        super().__init__()
        self.official = official
        self.stem = nn.Sequential(_step(3, _WIDTH), _step(_WIDTH, _WIDTH))
        self.stages = nn.ModuleList(_step(_WIDTH, _WIDTH) for _ in range(3))
        self.lateral, self.fpn, self.down = (_convs(3, 1, 1), _convs(3, 3, 1), _convs(2, 3, 2))
        norm = nn.BatchNorm2d(_FEATURES) if groups is None else nn.GroupNorm(groups, _FEATURES)
        self.tower = nn.Sequential(nn.Conv2d(_WIDTH, _FEATURES, 3, padding=1, bias=False), norm, nn.ReLU())
        self.heads = nn.ModuleList(nn.Conv2d(_FEATURES, 2 * width, 3, padding=1) for width in _CHANNELS.values())
        self.scales = nn.ParameterList(torch.tensor(1.0 + level / 10) for level in range(3))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        features = [self.tower(level) for level in self._pyramid(self.stem(image))]
        score, bbox, kps = self.heads
        scores = [self._rows(score(x), 1).sigmoid() for x in features]
        boxes = [self._rows(bbox(x) * scale, 4) for x, scale in zip(features, self.scales, strict=True)]
        return (*scores, *boxes, *(self._rows(kps(x), 10) for x in features))

    def _pyramid(self, x: Tensor) -> list[Tensor]:
        levels = [x := stage(x) for stage in self.stages]
        maps = [conv(level) for conv, level in zip(self.lateral, levels, strict=True)]
        for fine in (1, 0):
            maps[fine] = maps[fine] + functional.interpolate(maps[fine + 1], size=maps[fine].shape[2:])
        maps = [conv(level) for conv, level in zip(self.fpn, maps, strict=True)]
        for fine in (0, 1):
            maps[fine + 1] = maps[fine + 1] + self.down[fine](maps[fine])
        return maps

    def _rows(self, x: Tensor, channels: int) -> Tensor:
        if self.official:
            return x.permute(2, 3, 0, 1).reshape(-1, channels)
        return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, channels)


def _step(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


def _convs(count: int, kernel: int, stride: int) -> nn.ModuleList:
    return nn.ModuleList(nn.Conv2d(_WIDTH, _WIDTH, kernel, stride, kernel // 2) for _ in range(count))


def official(opset: int = 11) -> onnx.ModelProto:
    """Form A: traced at one frame, height and width free, rows without a batch."""
    return exported(SCRFD(official=True), FRAME, SPACE, opset=opset, names=_NAMES)


def batched(groups: int | None = None, opset: int = 11) -> onnx.ModelProto:
    """Form C, and pull request 1781: everything free."""
    return exported(SCRFD(groups=groups), FRAME, BATCH_AND_SPACE, opset=opset, names=_NAMES)


def static(groups: int | None = None) -> onnx.ModelProto:
    """Form B: form C after a static simplifier."""
    return simplified(batched(groups), FRAME)


def folded_group_norm() -> onnx.ModelProto:
    """The shapes behind GroupNorm folded to `[1, C, H, W]`, all else of form C."""
    model = batched(4)
    normed = {node.output[0] for node in model.graph.node if node.op_type == "InstanceNormalization"}
    return simplified(model, FRAME, into=lambda node: node.op_type == "Reshape" and node.input[0] in normed)


FORMS = (
    refuted("SCRFD bn", "official (A)", official, FRAME, "Reshape"),
    refuted("SCRFD bn", "static-simplified (B)", static, FRAME, "Resize", "content"),
    Form("SCRFD bn", "dynamic (C), opset 11", batched, FRAME),
    Form("SCRFD bn", "dynamic (C), opset 17", partial(batched, opset=17), FRAME),
    Form("SCRFD gn", "dynamic, opset 11", partial(batched, 4), FRAME),
    refuted("SCRFD gn", "static-simplified", partial(static, 4), FRAME, "Resize", "content"),
    refuted("SCRFD gn", "Shape behind the norm folded", folded_group_norm, FRAME, "Reshape"),
)
