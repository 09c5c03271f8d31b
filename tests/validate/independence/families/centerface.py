"""CenterFace and DBFace: convolutions only, up again by transposed convolution or upsampling, one map per output."""

from __future__ import annotations

import onnx
from torch import Tensor, nn
from torch.nn import functional

from tests.validate.independence.families.exporting import BATCH_AND_SPACE, exported
from tests.validate.independence.families.form import Form

FRAME = (3, 32, 32)
_WIDTH = 8


def _step(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, _WIDTH, 3, 2, 1), nn.BatchNorm2d(_WIDTH), nn.ReLU6())


class CenterFace(nn.Module):
    """MobileNet steps, a neck of transposed convolutions, heatmap, scale, offset, landmarks at stride 4."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.ModuleList(_step(width) for width in (3, _WIDTH, _WIDTH, _WIDTH))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(_WIDTH, _WIDTH, 2, 2) for _ in range(2))
        self.heads = nn.ModuleList(nn.Conv2d(_WIDTH, width, 1) for width in (1, 2, 2, 10))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        levels = [image := step(image) for step in self.steps]
        x = levels[3]
        for up, level in zip(self.ups, (levels[2], levels[1]), strict=True):
            x = functional.relu(up(x)) + level
        heat, scale, offset, points = (head(x) for head in self.heads)
        return heat.sigmoid(), scale, offset, points


class DBFace(nn.Module):
    """Squeeze and excitation, nearest upsampling to a skip connection, heatmap of local maxima, exponential boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.ModuleList(_step(width) for width in (3, _WIDTH, _WIDTH))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(_WIDTH, _WIDTH, 1), nn.Hardsigmoid())
        self.heads = nn.ModuleList(nn.Conv2d(_WIDTH, width, 3, 1, 1) for width in (1, 4, 10))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        levels = [image := step(image) for step in self.steps]
        x = levels[2] * self.gate(levels[2])
        x = functional.hardswish(functional.interpolate(x, scale_factor=2.0, mode="nearest") + levels[1])
        heat, box, landmark = (head(x) for head in self.heads)
        heat = heat.sigmoid()
        peaks = heat * (functional.max_pool2d(heat, 3, 1, 1) == heat).float()
        return peaks, box.exp(), landmark


def centerface() -> onnx.ModelProto:
    """Declared 10x3x32x32, inputs and outputs, whatever it is run with."""
    model = exported(CenterFace(), FRAME, opset=9)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 10
    return model


def dbface() -> onnx.ModelProto:
    """Everything free."""
    return exported(DBFace(), FRAME, BATCH_AND_SPACE, opset=11)


FORMS = (
    Form("CenterFace", "declared 10x3x32x32", centerface, FRAME),
    Form("DBFace", "dynamic", dbface, FRAME),
)
