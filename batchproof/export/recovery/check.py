"""Whether a recovered network computes what its ONNX file computes: what pairing layers cannot show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from batchproof import verdict
from batchproof.artifacts import onnx_file
from batchproof.errors import StepFailedError
from batchproof.export.check import THRESHOLD, UNIT
from batchproof.runtime import Blob, OnnxRuntimeRunner, noise
from batchproof.verdict import Status, Verdict
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec, OutputSpec

CHECK = "export.recovered"

_FREE_SIZE = (96, 128)  # H != W, so that swapped axes show
_CONTRASTS = (1.0, 10.0)  # activations of a picture go far beyond those of faint noise
_SMALLEST = float(np.finfo(np.float32).tiny)  # instead of dividing by the largest value of an output that is zero


def check_against_original(network: nn.Module, spec: ModelSpec, original: Path, subject: str) -> Verdict:
    """Compare `network`, put into evaluation mode, with the ONNX file it was recovered from, on random images.

    The images, one of ten times the contrast, have the size that the file fixes, else 96x128. The figure is the largest
    absolute difference over all outputs; for all but scores divided by the output's largest absolute value. Wrong sizes
    and NaN fail.
    """
    network.eval()
    image = noise(spec.input, 1, *_size(original))
    try:
        compared = [_compared(network, spec, original, image * np.float32(contrast)) for contrast in _CONTRASTS]
    except StepFailedError as error:
        return Verdict(CHECK, subject, Status.FAIL, error.line(), threshold=THRESHOLD, unit=UNIT)
    figures = np.max(np.nan_to_num(compared, nan=np.inf), axis=0).tolist()
    worst = int(np.argmax(figures))
    reason = f"the network from its weights against {original.name} itself, {len(compared)} images of noise"
    witness = f"output '{spec.outputs[worst].name}'"
    return verdict.at_most(CHECK, subject, figures[worst], THRESHOLD, reason, unit=UNIT, witness=witness)


def _compared(network: nn.Module, spec: ModelSpec, original: Path, image: Blob) -> list[float]:
    with torch.inference_mode():
        computed = network(torch.from_numpy(image))
    ours = [tensor.numpy() for tensor in (computed if isinstance(computed, tuple) else (computed,))]
    return list(map(_difference, spec.outputs, ours, _run(original, image)))


def _size(original: Path) -> tuple[int, int]:
    dims = onnx_file.read(original).graph.input[0].type.tensor_type.shape.dim
    height, width = (dims[axis].dim_value for axis in (2, 3))
    return (height, width) if height > 0 and width > 0 else _FREE_SIZE


def _run(original: Path, image: Blob) -> list[Blob]:
    """Run the file and put its outputs into the order of the spec."""
    outputs = OnnxRuntimeRunner(original).infer(image)
    return [outputs[name] for name in recognise(onnx_file.read(original), original).output_names]


def _difference(output: OutputSpec, ours: Blob, theirs: Blob) -> float:
    if ours.size != theirs.size:
        shapes = f"{list(theirs.shape)} where the recovered network gives {list(ours.shape)}"
        raise StepFailedError(f"output '{output.name}' is {shapes}")
    scale = 1.0 if output.kind == "score" else max(float(np.abs(theirs).max()), _SMALLEST)
    return float(np.abs(ours - theirs.reshape(ours.shape)).max()) / scale
