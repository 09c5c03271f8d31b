"""The MobileFaceNet of inverted residuals with ReLU6, 128 values a face, that circulates as `mobilefacenet`.

Module names, widths and the order of the blocks are those of its published state dict, the strides those of its ONNX.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

EMBEDDING = 128

# Expansion, output channels, blocks, stride of the first block.
_STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))


class MobileFaceNet112(nn.Module):
    """Aligned faces `[N, 3, 112, 112]`, float32, to embeddings `[N, 128]`, not L2-normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv_bn_relu6(3, 64, 3, stride=2)
        self.dw_conv = _Separable(64)
        self.features = nn.Sequential(*_blocks(64))
        self.conv2 = _conv_bn_relu6(128, 512, 1)
        self.gdconv = nn.Sequential(
            OrderedDict(depthwise=nn.Conv2d(512, 512, 7, groups=512, bias=False), bn=nn.BatchNorm2d(512))
        )
        self.conv3 = nn.Conv2d(512, EMBEDDING, 1)
        self.bn = nn.BatchNorm2d(EMBEDDING)

    def forward(self, faces: Tensor) -> Tensor:
        """Give `[N, 128]`."""
        x = self.conv2(self.features(self.dw_conv(self.conv1(faces))))
        embedding: Tensor = self.bn(self.conv3(self.gdconv(x)))
        return embedding.flatten(1)


def _blocks(inputs: int) -> list[nn.Module]:
    blocks: list[nn.Module] = []
    for expansion, outputs, count, stride in _STAGES:
        for index in range(count):
            blocks.append(_InvertedResidual(inputs, outputs, inputs * expansion, stride if index == 0 else 1))
            inputs = outputs
    return blocks


def _conv_bn_relu6(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU6())


class _Separable(nn.Module):
    """3x3 within each channel and 1x1 across them, with plain ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        within: Tensor = self.bn1(self.depthwise(x)).relu()
        across: Tensor = self.bn2(self.pointwise(within)).relu()
        return across


class _InvertedResidual(nn.Module):
    """1x1 to `middle` channels, 3x3 within each of them, 1x1 back; added to an input of equal shape."""

    def __init__(self, inputs: int, outputs: int, middle: int, stride: int) -> None:
        super().__init__()
        self.keeps_shape = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            _conv_bn_relu6(inputs, middle, 1),
            _conv_bn_relu6(middle, middle, 3, stride=stride, groups=middle),
            nn.Conv2d(middle, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        branch: Tensor = self.conv(x)
        return x + branch if self.keeps_shape else branch
