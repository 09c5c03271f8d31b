"""A small embedder with every kind of layer that published files have, and exports of it as others write them."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu6

from batchproof.export.networks.catalogue import Architecture
from batchproof.zoo import families

EMBEDDING = 6


class Tiny(nn.Module):
    """`[N, 3, 112, 112]` to `[N, 6]`: folded and unfolded norms, slopes, a sum, a pool, a scale, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4)
        self.slope = nn.PReLU(4)
        self.alone = nn.BatchNorm2d(4)
        self.within = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.within_norm = nn.BatchNorm2d(4)
        self.scale = nn.Parameter(torch.ones(()))
        self.linear = nn.Linear(4 * 7 * 7, EMBEDDING)
        self.features = nn.BatchNorm1d(EMBEDDING)

    def forward(self, faces: Tensor) -> Tensor:
        """Give `[N, 6]`."""
        x = self.slope(self.stem_norm(self.stem(faces)))
        branch = self.within_norm(self.within(relu6(self.alone(x))))
        pooled = max_pool2d((branch + x) * self.scale, 8, 8)
        embedding: Tensor = self.features(self.linear(pooled.flatten(1)))
        return embedding


ARCHITECTURE = Architecture(Tiny, families.arcface(embedding=EMBEDDING))
FACES = torch.linspace(-1, 1, 2 * 3 * 112 * 112).reshape(2, 3, 112, 112).sin()


def trained() -> Tiny:
    """Build it with random weights and statistics, none of them an identity."""
    network, generator = Tiny(), torch.Generator().manual_seed(0)
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            positive = key.endswith(("running_var", "scale")) or "norm.weight" in key
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5 if positive else tensor)
            tensor.add_(torch.rand(tensor.shape, generator=generator) * 0.2)
    return network.eval()


def exported(network: nn.Module, *, opset: int = 17, folded: bool = True) -> onnx.ModelProto:
    """Export as torch does on its own: BatchNorms folded where they can be, or all of them kept."""
    mode = torch.onnx.TrainingMode.EVAL if folded else torch.onnx.TrainingMode.PRESERVE
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (FACES[:1],),
            Path(folder) / "tiny.onnx",
            input_names=["data"],
            output_names=["fc1"],
            opset_version=opset,
            training=mode,
            dynamo=False,
        )
        return onnx.load(Path(folder) / "tiny.onnx")


def edited(model: onnx.ModelProto, kind: str, edit: Callable[[onnx.NodeProto], object]) -> onnx.ModelProto:
    """Copy the model with its first node of a kind changed."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    edit(next(node for node in copy.graph.node if node.op_type == kind))
    return copy
