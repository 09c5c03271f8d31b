"""Whether a recovered network computes what its ONNX file computes: what pairing layers cannot show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from torch import nn

from batchproof.artifacts import onnx_file
from batchproof.errors import StepFailedError
from batchproof.export.comparison import is_absolute, row_differences, torch_outputs
from batchproof.policy import ExportLimits
from batchproof.runtime import Blob, OnnxRuntimeRunner, noise
from batchproof.verdict import Status, Verdict, at_most
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec, OutputSpec

CHECK = "export.recovered"

_CELLS = (3, 4)  # of a free size, in what it must be a multiple of: H != W, so that swapped axes show
_CONTRASTS = (1.0, 10.0)  # activations of a picture go far beyond those of faint noise


def check_against_original(
    network: nn.Module, spec: ModelSpec, original: Path, subject: str, limits: ExportLimits
) -> tuple[Verdict, ...]:
    """Compare `network`, put into evaluation mode, with the ONNX file it was recovered from, on random images.

    The images, one of ten times the contrast, have the size that the file fixes, else 96x128 for most detectors. One
    verdict is about the largest difference of all scores, as they are; one about that of all other outputs, in parts of
    their largest value. Wrong sizes and NaN fail; where nothing can be compared, that is the only verdict.
    """
    network.eval()
    image = noise(spec.input, 1, *_size(original, spec.input.multiple_of))
    try:
        compared = [_compared(network, spec, original, image * np.float32(contrast)) for contrast in _CONTRASTS]
    except StepFailedError as error:
        return (Verdict(CHECK, subject, Status.FAIL, error.line()),)
    # A NaN compares as neither larger nor smaller; here it is the worst of all.
    figures = np.max(np.nan_to_num(compared, nan=np.inf), axis=0).tolist()
    return tuple(_verdicts(dict(zip(spec.outputs, figures, strict=True)), original, subject, limits))


def _verdicts(
    figures: Mapping[OutputSpec, float], original: Path, subject: str, limits: ExportLimits
) -> Iterator[Verdict]:
    reason = f"the network from its weights against {original.name} itself, {len(_CONTRASTS)} images of noise"
    for unit, limit, name in (
        ("", limits.recovered_score, "score"),
        ("of an output's largest value", limits.recovered_relative, "relative"),
    ):
        judged = {output.name: figure for output, figure in figures.items() if is_absolute(output) == (name == "score")}
        if judged:
            worst = max(judged, key=lambda output: judged[output])
            witness = f"output '{worst}'"
            yield at_most(f"{CHECK}.{name}", subject, judged[worst], limit, reason, unit=unit, witness=witness)


def _compared(network: nn.Module, spec: ModelSpec, original: Path, image: Blob) -> list[float]:
    ours, theirs = torch_outputs(network, spec, image), _run(original, image)
    return [_difference(output, ours[output.name], values) for output, values in zip(spec.outputs, theirs, strict=True)]


def _size(original: Path, step: int) -> tuple[int, int]:
    dims = onnx_file.read(original).graph.input[0].type.tensor_type.shape.dim
    height, width = (dims[axis].dim_value for axis in (2, 3))
    return (height, width) if height > 0 and width > 0 else (_CELLS[0] * step, _CELLS[1] * step)


def _run(original: Path, image: Blob) -> list[Blob]:
    """Run the file and put its outputs into the order of the spec."""
    outputs = OnnxRuntimeRunner(original).infer(image)
    return [outputs[name] for name in recognise(onnx_file.read(original), original).output_names]


def _difference(output: OutputSpec, ours: Blob, theirs: Blob) -> float:
    if ours.size != theirs.size:
        shapes = f"{list(theirs.shape)} where the recovered network gives {list(ours.shape)}"
        raise StepFailedError(f"output '{output.name}' is {shapes}")
    return float(row_differences(output, theirs.reshape(ours.shape), ours).max())
