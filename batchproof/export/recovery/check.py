"""Whether a recovered network computes what its ONNX file computes: what pairing layers cannot show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from batchproof.artifacts import onnx_file
from batchproof.errors import StepFailedError
from batchproof.export.comparison import is_absolute, row_differences, torch_outputs
from batchproof.export.recovery.image_size import Size, compared_sizes, declared_size
from batchproof.policy import ExportLimits
from batchproof.runtime import Blob, OnnxRuntimeRunner, noise
from batchproof.verdict import Status, Verdict, at_most
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import InputSpec, ModelSpec, OutputSpec

CHECK = "export.recovered"

_NOISES = 4  # of all brightness and contrast, faint, bright, dark
_FLAT = (0, 255)
_STRONGER = np.float32(10)  # activations of a picture go far beyond those of noise

Seen = tuple[OutputSpec, float]


@dataclass(frozen=True)
class _Original:
    """The ONNX file, run with its outputs in the order of the spec."""

    runner: OnnxRuntimeRunner
    output_names: tuple[str, ...]
    sizes: tuple[Size, ...]

    @classmethod
    def open(cls, path: Path, spec: ModelSpec) -> _Original:
        model = onnx_file.read(path)
        found = recognise(model, path)
        sizes = compared_sizes(declared_size(model, found.input_name), spec.input)
        return cls(OnnxRuntimeRunner(path), found.output_names, sizes)

    def infer(self, image: Blob) -> list[Blob]:
        outputs = self.runner.infer(image)
        return [outputs[name] for name in self.output_names]


def check_against_original(
    network: nn.Module, spec: ModelSpec, original: Path, subject: str, limits: ExportLimits
) -> tuple[Verdict, ...]:
    """Compare `network`, put into evaluation mode, with the ONNX file it was recovered from, image by image.

    The images are noise of several brightnesses and contrasts, black and white, at the size that the file fixes, else
    at two; and noise of ten times the contrast that pixels have. One verdict is about the largest difference of all
    scores, as they are; one about that of scores at tenfold contrast; one about that of all other outputs, in parts of
    their largest value. Wrong sizes and NaN fail; where nothing can be compared, that is the only verdict.
    """
    network.eval()
    try:
        theirs = _Original.open(original, spec)
        plain, tenfold = (
            [seen for image in images for seen in _compared(network, spec, theirs, image)]
            for images in (_plain(spec.input, theirs.sizes), _tenfold(spec.input, theirs.sizes))
        )
    except StepFailedError as error:
        return (Verdict(CHECK, subject, Status.FAIL, error.line()),)
    reason = f"the network from its weights against {original.name} itself, noise and flat images"
    return tuple(_verdicts(plain, tenfold, subject, reason, limits))


def _plain(image: InputSpec, sizes: tuple[Size, ...]) -> Iterator[Blob]:
    """Make noise and flat images, each alone: the file may have a batch of 1."""
    for size in sizes:
        yield from np.split(noise(image, _NOISES, *size), _NOISES)
        for pixel in _FLAT:
            yield np.full(image.shape(1, *size), (pixel - image.mean) / image.std, np.float32)


def _tenfold(image: InputSpec, sizes: tuple[Size, ...]) -> Iterator[Blob]:
    return (noise(image, 1, *size) * _STRONGER for size in sizes)


def _compared(network: nn.Module, spec: ModelSpec, original: _Original, image: Blob) -> list[Seen]:
    ours, theirs = torch_outputs(network, spec, image), original.infer(image)
    return [
        (output, _difference(output, ours[output.name], values))
        for output, values in zip(spec.outputs, theirs, strict=True)
    ]


def _difference(output: OutputSpec, ours: Blob, theirs: Blob) -> float:
    """Return the largest difference; a NaN, which compares as neither larger nor smaller, is infinite."""
    if ours.size != theirs.size:
        shapes = f"{list(theirs.shape)} where the recovered network gives {list(ours.shape)}"
        raise StepFailedError(f"output '{output.name}' is {shapes}")
    rows = row_differences(output, theirs.reshape(ours.shape), ours)
    return float(np.nan_to_num(rows, nan=np.inf, posinf=np.inf).max())


def _verdicts(
    plain: list[Seen], tenfold: list[Seen], subject: str, reason: str, limits: ExportLimits
) -> Iterator[Verdict]:
    for name, seen, absolute, limit, unit in (
        ("score", plain, True, limits.recovered_score, ""),
        ("tenfold_score", tenfold, True, limits.recovered_tenfold_score, ""),
        ("relative", [*plain, *tenfold], False, limits.recovered_relative, "of an output's largest value"),
    ):
        judged = [(figure, output.name) for output, figure in seen if is_absolute(output) == absolute]
        if judged:
            figure, output = max(judged)
            witness = f"output '{output}'"
            yield at_most(f"{CHECK}.{name}", subject, figure, limit, reason, unit=unit, witness=witness)
