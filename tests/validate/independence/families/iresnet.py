"""ArcFace's iresnet-100 and AdaFace's IR-101: the depth of the real ones, a few channels wide."""

from __future__ import annotations

from functools import partial

import onnx
import torch
from torch import Tensor, nn

from tests.validate.independence.families.exporting import BATCH, exported
from tests.validate.independence.families.form import Form, refuted
from tests.validate.independence.families.simplifying import simplified

FRAME = (3, 32, 32)
_R100 = (3, 13, 30, 3)
_WIDTH, _EMBEDDING = 4, 16


class _Block(nn.Module):
    """BN, conv, BN, PReLU, conv, BN; `pooled` shortcuts are AdaFace's MaxPool(1, stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, pooled: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
            nn.PReLU(outputs), nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        projected = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut = nn.MaxPool2d(1, stride) if pooled and inputs == outputs else projected
        self.plain = stride == 1 and inputs == outputs and not pooled

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.body(x) + (x if self.plain else self.shortcut(x))
        return result


def _trunk(*, pooled: bool) -> nn.Sequential:
    stem = [nn.Conv2d(3, _WIDTH, 3, 1, 1, bias=False), nn.BatchNorm2d(_WIDTH), nn.PReLU(_WIDTH)]
    blocks, inputs = [], _WIDTH
    for level, count in enumerate(_R100):
        outputs = _WIDTH * 2 ** (level // 2)
        for index in range(count):
            blocks.append(_Block(inputs, outputs, 2 if index == 0 else 1, pooled=pooled))
            inputs = outputs
    return nn.Sequential(*stem, *blocks, nn.BatchNorm2d(inputs))


class IResNet(nn.Module):
    """Trunk, flatten, dropout, linear, BN1d."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.dropout = _trunk(pooled=False), nn.Dropout(0.4)
        self.fc, self.features = nn.Linear(2 * _WIDTH * 4, _EMBEDDING), nn.BatchNorm1d(_EMBEDDING)

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.features(self.fc(self.dropout(torch.flatten(self.trunk(image), 1))))
        return result


class AdaFace(nn.Module):
    """The flatten is a view of the batch as traced; unit vector by division, and the norm as second output."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.fc = _trunk(pooled=True), nn.Linear(2 * _WIDTH * 4, _EMBEDDING)
        self.features = nn.BatchNorm1d(_EMBEDDING, affine=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.trunk(image)
        x = self.features(self.fc(x.view(x.size(0), -1)))
        norm = torch.norm(x, 2, 1, True)
        return torch.div(x, norm), norm


def iresnet(opset: int = 11, *, free: bool = True) -> onnx.ModelProto:
    """As arcface_torch exports it: traced at one frame; then the declared batch is renamed, or not."""
    model = exported(IResNet(), FRAME, opset=opset)
    if free:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "None"
    return model


def adaface(*, free: bool) -> onnx.ModelProto:
    """Traced with a free batch or with one frame."""
    return exported(AdaFace(), FRAME, BATCH if free else None)


def adaface_simplified() -> onnx.ModelProto:
    """The free export after a static simplifier."""
    return simplified(adaface(free=True), FRAME)


FORMS = (
    Form("ArcFace r100", "arcface_torch, opset 11", iresnet, FRAME),
    Form("ArcFace r100", "static, opset 17", partial(iresnet, 17, free=False), FRAME),
    Form("AdaFace IR-101", "free batch", partial(adaface, free=True), FRAME),
    refuted("AdaFace IR-101", "one frame: view(1, -1)", partial(adaface, free=False), FRAME, "Reshape"),
    refuted("AdaFace IR-101", "static-simplified", adaface_simplified, FRAME, "Reshape"),
)
