"""Whether the exported file computes what the network computes, for every row of every batch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from batchproof import verdict
from batchproof.errors import StepFailedError
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs
from batchproof.verdict import Status, Verdict
from batchproof.zoo.spec import ModelSpec, OutputSpec

CHECK = "export.parity"
UNIT = "of a score, or of an output's largest value"

# ONNX Runtime's own optimiser moves SCRFD's scores by 6e-7 and its boxes, of values up to 10, by 5e-5; a row that sees
# another row's image is wrong by 1e-1 and more. 1e-4 tells the two apart with room on both sides. Scores are taken as
# they are: a picture without a face has tiny ones. Distances and embeddings have no fixed size and are taken by theirs.
THRESHOLD = 1e-4

_BATCHES = (1, 2, 5)
_SMALLEST = float(np.finfo(np.float32).tiny)  # instead of dividing by the largest value of an output that is zero
_SIZES = ((64, 64), (96, 128))  # for free heights and widths: a square, and H != W so that swapped axes show


@dataclass(frozen=True)
class _Difference:
    """The largest difference of one output at one input shape, and where it was seen."""

    figure: float
    witness: str


def check_against_torch(network: nn.Module, spec: ModelSpec, path: Path, subject: str) -> Verdict:
    """Compare the ONNX file at `path` with `network`, put into evaluation mode, on different random images.

    Batches of 1, 2 and 5, detectors at 64x64 and 96x128, ONNX Runtime's optimiser on and off. The figure is the
    largest absolute difference over all outputs; for all but scores divided by the output's largest absolute value.
    Missing outputs, wrong shapes, NaN and a refusal to run fail.
    """
    network.eval()
    try:
        runners = [OnnxRuntimeRunner(path, optimised=optimised) for optimised in (True, False)]
        seen = [
            difference
            for images in _image_batches(spec)
            for expected in [_reference(network, spec, images)]
            for runner in runners
            for difference in _differences(spec, expected, runner, images)
        ]
    except StepFailedError as error:
        return Verdict(CHECK, subject, Status.FAIL, error.line(), threshold=THRESHOLD, unit=UNIT)
    # A NaN compares as neither larger nor smaller; here it is the worst of all.
    worst = max(seen, key=lambda difference: np.nan_to_num(difference.figure, nan=np.inf))
    reason = f"ONNX Runtime against PyTorch, batches {', '.join(map(str, _BATCHES))}, optimiser on and off"
    return verdict.at_most(CHECK, subject, worst.figure, THRESHOLD, reason, unit=UNIT, witness=worst.witness)


def _image_batches(spec: ModelSpec) -> list[Blob]:
    """Noise over the range of normalised pixels, another image in every row."""
    generator = np.random.default_rng(0)
    sizes = _SIZES if spec.input.dynamic_size else _SIZES[:1]
    shapes = [spec.input.shape(batch, *size) for size in sizes for batch in _BATCHES]
    return [generator.uniform(-1, 1, shape).astype(np.float32) for shape in shapes]


def _reference(network: nn.Module, spec: ModelSpec, images: Blob) -> Outputs:
    with torch.inference_mode():
        outputs = network(torch.from_numpy(images))
    tensors = outputs if isinstance(outputs, tuple) else (outputs,)
    return {output.name: tensor.numpy() for output, tensor in zip(spec.outputs, tensors, strict=True)}


def _differences(spec: ModelSpec, expected: Outputs, runner: OnnxRuntimeRunner, images: Blob) -> list[_Difference]:
    actual = runner.infer(images)
    at = f"at {'x'.join(map(str, images.shape))}, {runner.name}"
    return [_difference(output, expected[output.name], actual.get(output.name), at) for output in spec.outputs]


def _difference(output: OutputSpec, expected: Blob, actual: Blob | None, at: str) -> _Difference:
    if actual is None:
        raise StepFailedError(f"gives no output '{output.name}' {at}")
    if actual.shape != expected.shape:
        shapes = f"{list(actual.shape)} where PyTorch gives {list(expected.shape)}"
        raise StepFailedError(f"output '{output.name}' is {shapes} {at}")
    scale = 1.0 if output.kind == "score" else max(float(np.abs(expected).max()), _SMALLEST)
    per_row = np.abs(actual - expected).reshape(len(expected), -1).max(axis=1) / scale
    return _Difference(float(per_row.max()), f"output '{output.name}', row {int(per_row.argmax())} {at}")
