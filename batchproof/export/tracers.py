"""torch's two exporters, called alike: a network becomes an ONNX graph whose batch (and image size) is free."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from torch import nn

from batchproof.errors import InputError
from batchproof.export.options import Exporter
from batchproof.zoo.spec import ModelSpec

_TRACED_BATCH = 2  # any; not 1, so that nothing can mistake the batch for an axis to broadcast
_TRACED_STEPS = (2, 3)  # height and width, in steps of the detector or in 32 pixels


def trace(network: nn.Module, spec: ModelSpec, exporter: Exporter, opset: int) -> onnx.ModelProto:
    """Export `network` with the names of `spec` and nothing else promised.

    Raises `InputError` when this exporter cannot write `opset`.
    """
    with _silence():
        traced = _TRACERS[exporter](network, spec, opset)
    written = next(each.version for each in traced.opset_import if each.domain == "")
    if written != opset:
        raise InputError(
            f"torch's {exporter} exporter writes opset {written} where {opset} was asked for",
            remedy="Choose another opset, or the other exporter",
        )
    return traced


def _torchscript(network: nn.Module, spec: ModelSpec, opset: int) -> onnx.ModelProto:
    free = {0: "N", 2: "H", 3: "W"} if spec.input.dynamic_size else {0: "N"}
    names = [output.name for output in spec.outputs]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "traced.onnx"
        torch.onnx.export(
            network,
            (_frames(spec),),
            file,
            input_names=[spec.input.name],
            output_names=names,
            dynamic_axes={spec.input.name: free, **{name: {0: "N"} for name in names}},
            opset_version=opset,
            dynamo=False,
        )
        return onnx.load(file)


def _dynamo(network: nn.Module, spec: ModelSpec, opset: int) -> onnx.ModelProto:
    free = {0: torch.export.Dim("N")}
    if spec.input.dynamic_size:
        step = spec.input.multiple_of
        free |= {2: step * torch.export.Dim("h"), 3: step * torch.export.Dim("w")}
    program = torch.onnx.export(
        network,
        (_frames(spec),),
        input_names=[spec.input.name],
        output_names=[output.name for output in spec.outputs],
        dynamic_shapes=(free,),
        opset_version=opset,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise TypeError("torch's dynamo exporter gave no program")
    return program.model_proto


_TRACERS: dict[Exporter, Callable[[nn.Module, ModelSpec, int], onnx.ModelProto]] = {
    "torchscript": _torchscript,
    "dynamo": _dynamo,
}


def _frames(spec: ModelSpec) -> torch.Tensor:
    step = max(spec.input.multiple_of, 32)
    height, width = (steps * step for steps in _TRACED_STEPS)
    return torch.zeros(spec.input.shape(_TRACED_BATCH, height, width))


@contextmanager
def _silence() -> Iterator[None]:
    """Keep away what the exporters say about themselves: deprecation notices, optional packages, fallbacks."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
