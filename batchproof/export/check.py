"""Whether the exported file computes what the network computes, for every row of every batch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from batchproof import verdict
from batchproof.errors import StepFailedError
from batchproof.export.comparison import row_differences, torch_outputs
from batchproof.policy import ExportLimits
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs
from batchproof.verdict import Status, Verdict
from batchproof.zoo.spec import ModelSpec, OutputSpec

CHECK = "export.parity"
_UNIT = "of a score, or of an output's largest value"
_BATCHES = (1, 2, 5)
_CELLS = ((2, 2), (3, 4))  # for free heights and widths, in what they must be multiples of: H != W shows swapped axes


@dataclass(frozen=True)
class _Difference:
    """The largest difference of one output at one input shape, and where it was seen."""

    figure: float
    witness: str


def check_against_torch(network: nn.Module, spec: ModelSpec, path: Path, subject: str, limits: ExportLimits) -> Verdict:
    """Compare the ONNX file at `path` with `network`, put into evaluation mode, on different random images.

    Batches of 1, 2 and 5, most detectors at 64x64 and 96x128, ONNX Runtime's optimiser on and off. The figure is the
    largest absolute difference over all outputs; for all but scores divided by the output's largest absolute value.
    Missing outputs, wrong shapes, NaN and a refusal to run fail.
    """
    threshold = limits.parity
    network.eval()
    try:
        runners = [OnnxRuntimeRunner(path, optimised=optimised) for optimised in (True, False)]
        seen = [
            difference
            for images in _image_batches(spec)
            for expected in [torch_outputs(network, spec, images)]
            for runner in runners
            for difference in _differences(spec, expected, runner, images)
        ]
    except StepFailedError as error:
        return Verdict(CHECK, subject, Status.FAIL, error.line(), threshold=threshold, unit=_UNIT)
    # A NaN compares as neither larger nor smaller; here it is the worst of all.
    worst = max(seen, key=lambda difference: np.nan_to_num(difference.figure, nan=np.inf))
    reason = f"ONNX Runtime against PyTorch, batches {', '.join(map(str, _BATCHES))}, optimiser on and off"
    return verdict.at_most(CHECK, subject, worst.figure, threshold, reason, unit=_UNIT, witness=worst.witness)


def _image_batches(spec: ModelSpec) -> list[Blob]:
    """Noise over the range of normalised pixels, another image in every row."""
    generator = np.random.default_rng(0)
    step = spec.input.multiple_of
    cells = _CELLS if spec.input.dynamic_size else _CELLS[:1]
    shapes = [spec.input.shape(batch, rows * step, columns * step) for rows, columns in cells for batch in _BATCHES]
    return [generator.uniform(-1, 1, shape).astype(np.float32) for shape in shapes]


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
    per_row = row_differences(output, expected, actual)
    return _Difference(float(per_row.max()), f"output '{output.name}', row {int(per_row.argmax())} {at}")
