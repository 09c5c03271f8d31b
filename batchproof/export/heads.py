"""Heads that can be put on a network before it is exported."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class UnitEmbedding(nn.Module):
    """An embedder whose rows have length 1: what insightface calls `normed_embedding`, e / |e|, made in the graph."""

    def __init__(self, embedder: nn.Module) -> None:
        super().__init__()
        self.embedder = embedder

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 `[N, C]`, each row divided by its L2 norm; a row of zeros stays one."""
        return functional.normalize(self.embedder(images), dim=1)
