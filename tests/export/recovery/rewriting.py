"""What tests of rewritten graphs share: edits, and whether the recovered network computes what the graph does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx
import onnxruntime
import torch
from torch import nn

from batchproof.export.networks.catalogue import Architecture
from batchproof.export.recovery.layers import LayerGraph
from batchproof.export.recovery.pairing import Pairing
from batchproof.export.recovery.reference import reference_graph
from tests.export.recovery.tiny_network import ARCHITECTURE, FACES


def recovered(build: Callable[[], nn.Module], model: onnx.ModelProto) -> nn.Module:
    network = build().eval()
    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    ours = reference_graph(Architecture(build, ARCHITECTURE.spec))
    found = Pairing(ours, LayerGraph(model, "data"), shapes).walk([("embedding", "fc1")])
    network.load_state_dict({key: torch.from_numpy(array) for key, array in found.items()}, strict=False, assign=True)
    return network


def assert_computes(network: nn.Module, model: onnx.ModelProto) -> None:
    faces = FACES[:1]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(["fc1"], {"data": faces.numpy()})
    with torch.inference_mode():
        torch.testing.assert_close(network(faces), torch.from_numpy(expected), rtol=1e-4, atol=1e-5)


def first(model: onnx.ModelProto, kind: str) -> onnx.NodeProto:
    found: onnx.NodeProto = next(node for node in model.graph.node if node.op_type == kind)
    return found


def set_inputs(node: onnx.NodeProto, inputs: Sequence[str]) -> None:
    node.ClearField("input")
    node.input.extend(inputs)


def random_weights(network: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return network.eval()
