"""InsightFace's first MobileFaceNet, of May 2021, 512 values a face: the layers of `mbf_july_2021` by other names."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

EMBEDDING = 512


class MobileFaceNetMay2021(nn.Sequential):
    """Aligned faces `[N, 3, 112, 112]`, float32, to embeddings `[N, 512]`, not L2-normalised."""

    def __init__(self) -> None:
        super().__init__(
            OrderedDict(
                conv1=_conv_block(3, 64, 3, stride=2),
                conv2_dw=_conv_block(64, 64, 3, groups=64),
                conv_23=_depthwise(64, 64, 128, stride=2),
                conv_3=_residual(64, 128, blocks=4),
                conv_34=_depthwise(64, 128, 256, stride=2),
                conv_4=_residual(128, 256, blocks=6),
                conv_45=_depthwise(128, 128, 512, stride=2),
                conv_5=_residual(128, 256, blocks=2),
                conv_6_sep=_conv_block(128, 512, 1),
                output_layer=_output(),
            )
        )


def _conv_block(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution without bias, padded to keep the size (over its stride), BatchNorm and PReLU."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(outputs), prelu=nn.PReLU(outputs)))


def _linear_block(inputs: int, outputs: int, kernel: int, *, groups: int = 1) -> nn.Sequential:
    """Convolution without bias and without padding, and BatchNorm."""
    conv = nn.Conv2d(inputs, outputs, kernel, groups=groups, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(outputs)))


def _depthwise(inputs: int, outputs: int, middle: int, *, stride: int = 1) -> nn.Sequential:
    """1x1 to `middle` channels, 3x3 within each of them, 1x1 back, the last without activation."""
    return nn.Sequential(
        OrderedDict(
            conv=_conv_block(inputs, middle, 1),
            conv_dw=_conv_block(middle, middle, 3, stride=stride, groups=middle),
            project=_linear_block(middle, outputs, 1),
        )
    )


class _Added(nn.Sequential):
    """Layers that keep the shape, and whose result is added to their input."""

    def forward(self, x: Tensor) -> Tensor:
        branch = x
        for layer in self:
            branch = layer(branch)
        return x + branch


def _residual(channels: int, middle: int, *, blocks: int) -> nn.Sequential:
    layers = (_Added(OrderedDict(_depthwise(channels, channels, middle).named_children())) for _ in range(blocks))
    return nn.Sequential(OrderedDict(model=nn.Sequential(*layers)))


def _output() -> nn.Sequential:
    """Bring the map `[N, 512, 7, 7]` to the embedding."""
    return nn.Sequential(
        OrderedDict(
            conv_6_dw=_linear_block(512, 512, 7, groups=512),
            conv_6_flatten=nn.Flatten(1),
            linear=nn.Linear(512, EMBEDDING, bias=False),
            bn=nn.BatchNorm1d(EMBEDDING),
        )
    )
