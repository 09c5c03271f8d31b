"""ArcFace's vision transformers, `vit_t` to `vit_l`: 512 values a face.

Module names are those of the checkpoints of InsightFace's training code. Training masks a part of the patches;
evaluation, which alone is built here, does not, and leaves the mask's token unread. Shapes are reckoned with the sizes
of a patch and -1 for the batch, so that the exported graph computes none.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

EMBEDDING = 512
PATCH = 9  # pixels
PATCHES = (112 // PATCH) ** 2  # the last four rows and columns of pixels belong to none
HEADS = 8
_HIDDEN = 4  # width of a block's inner layer, over the width of a patch
_EPS = 2e-5  # of the norms that make the embedding


@dataclass(frozen=True)
class Variant:
    """`width` values describe a patch; `depth` blocks follow each other."""

    width: int
    depth: int


VARIANTS: dict[str, Variant] = {
    "vit_t": Variant(256, 12),
    "vit_s": Variant(512, 12),
    "vit_b": Variant(512, 24),
    "vit_l": Variant(768, 24),
}


class VisionTransformer(nn.Module):
    """Aligned faces `[N, 3, 112, 112]`, float32, to embeddings `[N, 512]`, not L2-normalised."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        width = variant.width
        self.patch_embed = PatchEmbedding(width)
        self.pos_embed = nn.Parameter(torch.zeros(1, PATCHES, width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(variant.depth))
        self.norm = nn.LayerNorm(width)
        self.feature = nn.Sequential(
            nn.Linear(PATCHES * width, width, bias=False),
            nn.BatchNorm1d(width, eps=_EPS),
            nn.Linear(width, EMBEDDING, bias=False),
            nn.BatchNorm1d(EMBEDDING, eps=_EPS),
        )
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, faces: Tensor) -> Tensor:
        """Give `[N, 512]`."""
        x = self.patch_embed(faces) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        embedding: Tensor = self.feature(self.norm(x).flatten(1))
        return embedding


class PatchEmbedding(nn.Module):
    """A convolution that sees every patch once, under the name `proj`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, PATCH)

    def forward(self, faces: Tensor) -> Tensor:
        """Give `[N, 144, width]`, the patches line by line."""
        patches: Tensor = self.proj(faces)
        return patches.reshape(-1, self.proj.out_channels, PATCHES).transpose(1, 2)


class Block(nn.Module):
    """Attention between the patches, then a network within each, both behind a norm and added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = MLP(width)

    def forward(self, x: Tensor) -> Tensor:
        """Keep `[N, 144, width]`."""
        x = x + self.attn(self.norm1(x))
        mixed: Tensor = x + self.mlp(self.norm2(x))
        return mixed


class Attention(nn.Module):
    """Eight heads; queries, keys and values come from one layer without bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.scale = (width // HEADS) ** -0.5
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Keep `[N, 144, width]`."""
        queries, keys, values = (self._by_head(part) for part in self.qkv(x).split(self.width, dim=-1))
        # Training scales the products. Scaled before, they stay far from the largest number of half precision.
        weights = ((queries * self.scale) @ keys.transpose(-2, -1)).softmax(dim=-1)
        joined: Tensor = self.proj((weights @ values).transpose(1, 2).reshape(-1, PATCHES, self.width))
        return joined

    def _by_head(self, x: Tensor) -> Tensor:
        """Map `[N, 144, width]` to `[N, heads, 144, width / heads]`."""
        return x.reshape(-1, PATCHES, HEADS, self.width // HEADS).transpose(1, 2)


class MLP(nn.Module):
    """Two layers with ReLU6 between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, _HIDDEN * width)
        self.act = nn.ReLU6()
        self.fc2 = nn.Linear(_HIDDEN * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        y: Tensor = self.fc2(self.act(self.fc1(x)))
        return y
