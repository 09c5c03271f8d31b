"""ArcFace's residual networks, `iresnet18` to `iresnet200`: 512 values a face.

Module names are those of the checkpoints of InsightFace's training code, in full precision or half: the names are the
same.
"""

from __future__ import annotations

from torch import Tensor, nn

from batchproof.export.networks.backbones import Four, conv_bn

EMBEDDING = 512
WIDTHS: Four = (64, 128, 256, 512)

VARIANTS: dict[str, Four] = {
    "iresnet18": (2, 2, 2, 2),
    "iresnet34": (3, 4, 6, 3),
    "iresnet50": (3, 4, 14, 3),
    "iresnet100": (3, 13, 30, 3),
    "iresnet200": (6, 26, 60, 6),
}


class IResNet(nn.Module):
    """Aligned faces `[N, 3, 112, 112]`, float32, to embeddings `[N, 512]`, not L2-normalised."""

    def __init__(self, blocks: Four) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv_bn(3, WIDTHS[0], 3)
        self.prelu = nn.PReLU(WIDTHS[0])
        befores = (WIDTHS[0], *WIDTHS)
        self.layer1, self.layer2, self.layer3, self.layer4 = map(_stage, befores, WIDTHS, blocks)
        self.bn2 = nn.BatchNorm2d(WIDTHS[-1])
        self.dropout = nn.Dropout()  # at a rate that varies between trainings; nothing in evaluation mode
        self.fc = nn.Linear(WIDTHS[-1] * 7 * 7, EMBEDDING)
        self.features = nn.BatchNorm1d(EMBEDDING)

    def forward(self, faces: Tensor) -> Tensor:
        """Give `[N, 512]`."""
        x = self.prelu(self.bn1(self.conv1(faces)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        embedding: Tensor = self.features(self.fc(self.dropout(self.bn2(x).flatten(1))))
        return embedding


class IBlock(nn.Module):
    """BatchNorm and two 3x3 convolutions, the second with the stride, added to the input or a projection of it."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1, self.bn2 = conv_bn(inputs, outputs, 3)
        self.prelu = nn.PReLU(outputs)
        self.conv2, self.bn3 = conv_bn(outputs, outputs, 3, stride=stride)
        keeps_shape = stride == 1 and inputs == outputs
        self.downsample = None if keeps_shape else nn.Sequential(*conv_bn(inputs, outputs, 1, stride=stride))

    def forward(self, x: Tensor) -> Tensor:
        """Map `[N, inputs, H, W]` to `[N, outputs, H / stride, W / stride]`."""
        branch: Tensor = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        return branch + (x if self.downsample is None else self.downsample(x))


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    """Chain `blocks` of them, the first of which halves the size."""
    return nn.Sequential(IBlock(inputs, outputs, 2), *(IBlock(outputs, outputs, 1) for _ in range(blocks - 1)))
