"""Our own network as a graph whose constants are the keys of its state dict: what a foreign graph is paired with."""

from __future__ import annotations

import tempfile
import warnings
from functools import cache
from pathlib import Path

import onnx
import torch
from torch import nn

from batchproof.export.networks.catalogue import Architecture
from batchproof.export.recovery.differences import Shape
from batchproof.export.recovery.layers import LayerGraph
from batchproof.zoo.spec import ModelSpec

_OPSET = 17
_TRACED_SIZE = (64, 96)


def linear_shapes(architecture: Architecture) -> list[Shape]:
    """Return the weights' shapes of all convolutions and linear layers that run: of one that levels share, for each.

    Takes milliseconds: nothing is computed but shapes.
    """
    network, found = architecture.skeleton().eval(), list[Shape]()
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda layer, *_: found.append(tuple(layer.weight.shape)))
    with torch.inference_mode():
        network(torch.empty(architecture.spec.input.shape(1, *_TRACED_SIZE), device="meta"))
    return found


@cache
def reference_graph(architecture: Architecture) -> LayerGraph:
    """Trace the network of `architecture` with every BatchNorm by itself; outputs have the names of the spec.

    Takes 0.3 s for a detector and 3 s for iresnet200, the first time in a process.
    """
    network = architecture.skeleton().to_empty(device="cpu").eval()
    _make_distinct(network)
    spec = architecture.spec
    return LayerGraph(_traced(network, spec), spec.input.name)


def _make_distinct(network: nn.Module) -> None:
    """Give every tensor a number of its own, since the exporter merges equal ones and keeps one name of them."""
    for index, tensor in enumerate(network.state_dict().values(), start=1):
        tensor.fill_(index)


def _traced(network: nn.Module, spec: ModelSpec) -> onnx.ModelProto:
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # deprecation notices: about this call, for nobody but this module
        file = Path(folder) / "reference.onnx"
        torch.onnx.export(
            network,
            (torch.zeros(spec.input.shape(1, *_TRACED_SIZE)),),
            file,
            input_names=[spec.input.name],
            output_names=[output.name for output in spec.outputs],
            opset_version=_OPSET,
            dynamo=False,
            # Parameters as inputs under their keys; nothing folded into them, neither a BatchNorm nor a shape.
            export_params=False,
            do_constant_folding=False,
        )
        return onnx.load(file)
