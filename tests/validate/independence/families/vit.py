"""insightface's ViT after the sheet's section 3.3: qkv in one, tokens flattened into the embedding."""

from __future__ import annotations

from functools import partial

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.validate.independence.families.exporting import BATCH, exported, exported_by_dynamo
from tests.validate.independence.families.form import Form, refuted
from tests.validate.independence.families.simplifying import simplified

FRAME = (3, 36, 36)
_PATCH, _WIDTH, _HEADS, _EMBEDDING = 9, 16, 4, 8
_TOKENS = (36 // _PATCH) ** 2


class _Attention(nn.Module):
    """Written out as in insightface, or as torch's `scaled_dot_product_attention`."""

    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.qkv, self.proj = nn.Linear(_WIDTH, 3 * _WIDTH, bias=False), nn.Linear(_WIDTH, _WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, _HEADS, width // _HEADS).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        if self.fused:
            mixed = functional.scaled_dot_product_attention(q, k, v)
        else:
            mixed = ((q @ k.transpose(-2, -1)) * (width // _HEADS) ** -0.5).softmax(dim=-1) @ v
        result: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return result


class _Block(nn.Module):
    """Norm, attention, norm, MLP with ReLU6, each with its residual."""

    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.attention, self.norm1, self.norm2 = _Attention(fused=fused), nn.LayerNorm(_WIDTH), nn.LayerNorm(_WIDTH)
        self.mlp = nn.Sequential(nn.Linear(_WIDTH, 4 * _WIDTH), nn.ReLU6(), nn.Linear(4 * _WIDTH, _WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        result: Tensor = x + self.mlp(self.norm2(x))
        return result


class ViT(nn.Module):
    """Patches without class token, two blocks, and the head `feature`."""

    def __init__(self, *, fused: bool = False) -> None:
        super().__init__()
        self.patches, self.norm = nn.Conv2d(3, _WIDTH, _PATCH, _PATCH), nn.LayerNorm(_WIDTH)
        self.position = nn.Parameter(torch.randn(1, _TOKENS, _WIDTH))
        self.blocks = nn.Sequential(_Block(fused=fused), _Block(fused=fused))
        self.feature = nn.Sequential(
            nn.Linear(_TOKENS * _WIDTH, _WIDTH, bias=False), nn.BatchNorm1d(_WIDTH, eps=2e-5),
            nn.Linear(_WIDTH, _EMBEDDING, bias=False), nn.BatchNorm1d(_EMBEDDING, eps=2e-5),
        )  # fmt: skip

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = self.norm(self.blocks(x + self.position))
        result: Tensor = self.feature(x.reshape(image.shape[0], _TOKENS * _WIDTH))
        return result


def vit(*, free: bool = True, fused: bool = False, opset: int = 17) -> onnx.ModelProto:
    """By the TorchScript exporter."""
    return exported(ViT(fused=fused), FRAME, BATCH if free else None, opset=opset)


def vit_by_dynamo(*, opset: int) -> onnx.ModelProto:
    """By the newer exporter; from opset 23 on attention is one node."""
    return exported_by_dynamo(ViT(fused=True), FRAME, opset=opset)


def vit_simplified() -> onnx.ModelProto:
    """The free export after a static simplifier."""
    return simplified(vit(), FRAME)


FORMS = (
    Form("ViT", "free batch, opset 11", partial(vit, opset=11), FRAME),
    Form("ViT", "free batch, opset 17", vit, FRAME),
    Form("ViT", "fused attention, opset 17", partial(vit, fused=True), FRAME),
    Form("ViT", "dynamo, opset 18", partial(vit_by_dynamo, opset=18), FRAME),
    Form("ViT", "dynamo, opset 23: Attention", partial(vit_by_dynamo, opset=23), FRAME),
    refuted("ViT", "one frame", partial(vit, free=False), FRAME, "Reshape"),
    # Runs for one frame only, because of lengths; but the Transpose of tokens that a Reshape has cut is not followed.
    refuted("ViT", "static-simplified", vit_simplified, FRAME, "Add"),
)
