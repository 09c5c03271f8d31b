"""Recovers a PyTorch network from an ONNX file: which architecture it is, and the weights by that one's keys.

Of several published files there is no public checkpoint; their BatchNorms are folded into the convolutions, their tails
and sizes are written in several ways. Their layers are paired with those of our own network, so that the weights can be
exported anew with a free batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from batchproof.artifacts import onnx_file
from batchproof.errors import InputError
from batchproof.export.heads import UnitEmbedding
from batchproof.export.networks.catalogue import architecture
from batchproof.export.recovery.candidates import TAKE_OVER, candidates
from batchproof.export.recovery.differences import DifferenceError
from batchproof.export.recovery.image_size import Size, declared_size, require_size
from batchproof.export.recovery.layers import LINEAR, LayerGraph
from batchproof.export.recovery.pairing import Pairing
from batchproof.export.recovery.reference import reference_graph
from batchproof.export.recovery.standard import require_standard
from batchproof.export.recovery.unit_length import before_unit_length
from batchproof.zoo.recognise import Recognition, recognise
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class Recovery:
    """The architecture of an ONNX file, its spec, and the sentence that says why."""

    architecture: str
    spec: ModelSpec
    reason: str


@dataclass(frozen=True)
class _Graph:
    path: Path
    recognition: Recognition
    layers: LayerGraph
    size: Size
    embedding: str | None  # what is divided by its length in the end, where that is so

    @property
    def outputs(self) -> tuple[str, ...]:
        """The network's own outputs, in the order of the spec."""
        return self.recognition.output_names if self.embedding is None else (self.embedding,)


def recover(path: Path) -> Recovery:
    """Tell which architecture the ONNX file at `path` has: every layer pairs with one of it.

    Raises `InputError` when the file is no known face model, holds other than finite float32 weights, or pairs with no
    architecture: then with the first node, seen from the outputs, that differs from the nearest one.
    """
    graph = _read(path)
    misfits: list[InputError] = []
    for name in candidates(graph.layers, path):
        if (misfit := _misfit(graph, name)) is None:
            return Recovery(name, architecture(name).spec, _reason(graph, name))
        misfits.append(misfit)
    raise misfits[0]


def recovered_network(path: Path, name: str) -> nn.Module:
    """Build architecture `name` with the weights of the ONNX file at `path`, float32, in evaluation mode.

    Where the file divides each embedding by its length, so does the network. Raises `InputError` as `recover` does.
    """
    graph = _read(path)
    network = architecture(name).filled(_weights(graph, name))
    return network if graph.embedding is None else UnitEmbedding(network).eval()


def _read(path: Path) -> _Graph:
    model = onnx_file.read(path)
    recognition = recognise(model, path)
    require_standard(model, path)
    onnx_file.require_finite_weights(model, path)
    if onnx_file.precision(model) != "fp32":
        remedy = "Recover the FP32 file: what half precision has rounded off is lost"
        raise InputError("holds weights in half precision", where=path, remedy=remedy)
    layers = LayerGraph(model, recognition.input_name)
    is_arcface = recognition.spec.family == "arcface"
    embedding = before_unit_length(layers, recognition.output_names[0]) if is_arcface else None
    return _Graph(path, recognition, layers, declared_size(model, recognition.input_name), embedding)


def _misfit(graph: _Graph, name: str) -> InputError | None:
    try:
        _weights(graph, name)
    except InputError as error:
        return error
    return None


def _weights(graph: _Graph, name: str) -> dict[str, Tensor]:
    """Pair the graph with architecture `name`; what no output reads, such as BatchNorm's counters, is zero."""
    require_size(graph.size, architecture(name).spec.input, graph.path)
    wanted = architecture(name).skeleton().state_dict()
    pairing = Pairing(
        reference_graph(architecture(name)), graph.layers, {key: tuple(tensor.shape) for key, tensor in wanted.items()}
    )
    try:
        found = pairing.walk(_outputs(architecture(name).spec, graph.outputs))
    except DifferenceError as difference:
        remedy = difference.remedy or TAKE_OVER
        raise InputError(f"nearly a {name}, but {difference}", where=graph.path, remedy=remedy) from difference
    return {
        key: torch.from_numpy(found[key].copy()) if key in found else torch.zeros_like(tensor, device="cpu")
        for key, tensor in wanted.items()
    }


def _outputs(spec: ModelSpec, theirs: tuple[str, ...]) -> list[tuple[str, str]]:
    ours = [output.name for output in spec.outputs]
    if len(ours) != len(theirs):
        raise DifferenceError(f"it has {len(theirs)} outputs where {len(ours)} are expected")
    return list(zip(ours, theirs, strict=True))


def _reason(graph: _Graph, name: str) -> str:
    count = sum(layer.kind in LINEAR for layer in graph.layers.layers())
    tail = "" if graph.embedding is None else ", behind which it divides each embedding by its length"
    return f"its {count} convolutions and linear layers, and all between them, pair with those of {name}{tail}"
