"""How far outputs are from what they should be, each in the unit that suits its kind."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from batchproof.runtime import Blob, Outputs
from batchproof.zoo.spec import ModelSpec, OutputSpec

_SMALLEST = float(np.finfo(np.float32).tiny)  # instead of dividing by the largest value of an output that is zero


def torch_outputs(network: nn.Module, spec: ModelSpec, images: Blob) -> Outputs:
    """Run a network in PyTorch; its outputs by the names that `spec` gives them."""
    with torch.inference_mode():
        outputs = network(torch.from_numpy(images))
    tensors = outputs if isinstance(outputs, tuple) else (outputs,)
    return {output.name: tensor.numpy() for output, tensor in zip(spec.outputs, tensors, strict=True)}


def is_absolute(output: OutputSpec) -> bool:
    """Whether an output is compared as it is: a picture without a face has tiny scores.

    Distances and embeddings have no fixed size, and are compared in parts of their largest value.
    """
    return output.kind == "score"


def row_differences(output: OutputSpec, expected: Blob, found: Blob) -> Blob:
    """Return the largest difference of each row of `found`, `[N]`, in the unit of `is_absolute`; NaN stays NaN."""
    scale = 1.0 if is_absolute(output) else max(float(np.abs(expected).max()), _SMALLEST)
    with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, which is said
        rows: Blob = np.abs(found - expected).reshape(len(expected), -1).max(axis=1) / scale
    return rows
