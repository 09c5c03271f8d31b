"""InsightFace's MobileFaceNet as its training code has it since July 2021: 512 values a face.

Module names are those of the checkpoints; `mobilefacenet_may_2021` has the names of before. Of `mbf_w600k`, the
embedder of several packs, only an ONNX file is published: its head was inferred from that file's size, and its names
under `features` are those of the other variants.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Variant:
    """`width` are the channels of the first half of the network; `blocks` the blocks of its four stages.

    `reduced` are the channels to which the last map is brought, to be flattened as it is; None means that each of its
    channels is first pooled to one value, by learned weights.
    """

    width: int
    blocks: tuple[int, int, int, int]
    embedding: int = 512
    reduced: int | None = None


VARIANTS: dict[str, Variant] = {
    "mbf": Variant(128, (1, 4, 6, 2)),
    "mbf_july_2021": Variant(64, (1, 4, 6, 2)),
    "mbf_w600k": Variant(128, (1, 4, 6, 2), reduced=64),
    "mbf_large": Variant(256, (2, 8, 12, 4)),
}


class MobileFaceNet(nn.Module):
    """Aligned faces `[N, 3, 112, 112]`, float32, to embeddings `[N, 512]`, not L2-normalised."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        narrow, wide = variant.width, 2 * variant.width
        first, second, third, fourth = variant.blocks
        self.layers = nn.ModuleList(
            [
                ConvBlock(3, narrow, 3, stride=2),
                # A single block is no residual one; its groups are 64 whatever the width.
                ConvBlock(narrow, narrow, 3, groups=64) if first == 1 else Residual(narrow, 128, first),
                DepthWise(narrow, narrow, 128, stride=2),
                Residual(narrow, 128, second),
                DepthWise(narrow, wide, 256, stride=2),
                Residual(wide, 256, third),
                DepthWise(wide, wide, 512, stride=2),
                Residual(wide, 256, fourth),
            ]
        )
        self.conv_sep = ConvBlock(wide, 512, 1)
        self.features = _features(variant)

    def forward(self, faces: Tensor) -> Tensor:
        """Give `[N, 512]`."""
        x = faces
        for layer in self.layers:
            x = layer(x)
        embedding: Tensor = self.features(self.conv_sep(x))
        return embedding


class Chain(nn.Module):
    """Modules one after the other under the name `layers`."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Apply them."""
        y: Tensor = self.layers(x)
        return y


class LinearBlock(Chain):
    """Convolution without bias, and BatchNorm."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, padding: int, groups: int = 1) -> None:
        conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(outputs))


class ConvBlock(Chain):
    """Convolution without bias, padded to keep the size (over its stride), BatchNorm and PReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(outputs), nn.PReLU(outputs))


class DepthWise(Chain):
    """1x1 to `middle` channels, 3x3 within each of them, 1x1 back, the last without activation."""

    def __init__(self, inputs: int, outputs: int, middle: int, *, stride: int = 1) -> None:
        super().__init__(
            ConvBlock(inputs, middle, 1),
            ConvBlock(middle, middle, 3, stride=stride, groups=middle),
            LinearBlock(middle, outputs, 1, padding=0),
        )


class ResidualDepthWise(DepthWise):
    """A `DepthWise` that is added to its input."""

    def __init__(self, channels: int, middle: int) -> None:
        super().__init__(channels, channels, middle)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return x + super().forward(x)


class Residual(Chain):
    """So many `ResidualDepthWise` of equal shape."""

    def __init__(self, channels: int, middle: int, blocks: int) -> None:
        super().__init__(*(ResidualDepthWise(channels, middle) for _ in range(blocks)))


def _features(variant: Variant) -> Chain:
    """Bring the map `[N, 512, 7, 7]` to the embedding."""
    pooling: LinearBlock | ConvBlock
    if variant.reduced is None:
        pooling, values = LinearBlock(512, 512, 7, padding=0, groups=512), 512
    else:
        pooling, values = ConvBlock(512, variant.reduced, 1), variant.reduced * 7 * 7
    linear = nn.Linear(values, variant.embedding, bias=variant.reduced is not None)
    return Chain(pooling, nn.Flatten(1), linear, nn.BatchNorm1d(variant.embedding))
