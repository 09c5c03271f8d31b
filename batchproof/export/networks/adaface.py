"""AdaFace's residual networks, `adaface_ir18` to `adaface_ir101`: a unit vector a face, and its length before.

Module names are those of the published checkpoints, Lightning's `model.` apart. The input is BGR.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.linalg import vector_norm

from batchproof.export.networks.backbones import Four, conv_bn

EMBEDDING = 512
WIDTHS: Four = (64, 128, 256, 512)

VARIANTS: dict[str, Four] = {
    "adaface_ir18": (2, 2, 2, 2),
    "adaface_ir50": (3, 4, 14, 3),
    "adaface_ir101": (3, 13, 30, 3),
}


class AdaFace(nn.Module):
    """Aligned faces `[N, 3, 112, 112]`, float32, BGR, to embeddings `[N, 512]` of length 1 and their norms `[N, 1]`.

    The norm is a measure of the picture's quality.
    """

    def __init__(self, blocks: Four) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(*conv_bn(3, WIDTHS[0], 3), nn.PReLU(WIDTHS[0]))
        self.body = nn.Sequential(*_blocks(blocks))
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(WIDTHS[-1]),
            nn.Dropout(0.4),
            nn.Flatten(1),
            nn.Linear(WIDTHS[-1] * 7 * 7, EMBEDDING),
            nn.BatchNorm1d(EMBEDDING, affine=False),
        )

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Give `[N, 512]` and `[N, 1]`; their product is the embedding as it was trained."""
        embedding = self.output_layer(self.body(self.input_layer(faces)))
        norm = vector_norm(embedding, dim=1, keepdim=True)
        return embedding / norm, norm


class IRBlock(nn.Module):
    """BatchNorm and two 3x3 convolutions, the second with the stride, added to the input, taken every `stride` pixels.

    Where the channels change, the input passes a 1x1 convolution instead.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer = (
            nn.MaxPool2d(1, stride) if inputs == outputs else nn.Sequential(*conv_bn(inputs, outputs, 1, stride=stride))
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            *conv_bn(inputs, outputs, 3),
            nn.PReLU(outputs),
            *conv_bn(outputs, outputs, 3, stride=stride),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `[N, inputs, H, W]` to `[N, outputs, H / stride, W / stride]`."""
        added: Tensor = self.res_layer(x) + self.shortcut_layer(x)
        return added


def _blocks(counts: Four) -> list[nn.Module]:
    """Chain the blocks of all four stages; the first of each halves the size."""
    blocks: list[nn.Module] = []
    before = WIDTHS[0]
    for width, count in zip(WIDTHS, counts, strict=True):
        blocks += [IRBlock(before, width, 2), *(IRBlock(width, width, 1) for _ in range(count - 1))]
        before = width
    return blocks
