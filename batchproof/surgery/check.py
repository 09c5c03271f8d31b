"""The empirical check of a repair on ONNX Runtime: the same for one frame, and no frame changes in company."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnx

from batchproof.errors import StepFailedError
from batchproof.policy import SurgeryLimits
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs
from batchproof.surgery.shapes import ImageSize
from batchproof.verdict import Status, Verdict, at_most
from batchproof.zoo.recognise import Recognition
from batchproof.zoo.spec import ModelSpec

# Detectors are checked at two more sizes, not square and different in both axes, where swapped or frozen axes show.
_OTHER_SIZES = (ImageSize(448, 640), ImageSize(352, 288))


@dataclass(frozen=True)
class _Worst:
    """The largest difference met, and where."""

    figure: float
    witness: str | None = None


class _ShapeError(Exception):
    """An output has a shape from which no frame can be read."""


def check_repair(
    original: onnx.ModelProto,
    repaired: onnx.ModelProto,
    recognition: Recognition,
    images: Blob,
    *,
    limits: SurgeryLimits,
    subject: str,
) -> list[Verdict]:
    """Compare `repaired` with `original`, each with ONNX Runtime's optimiser on and off.

    `images` is a preprocessed blob `[N, 3, H, W]` of at least two different pictures; it is cropped or zero-padded to
    the sizes at which the models run. One verdict per optimiser state says whether each picture alone gives the same
    outputs as the original, and one per size and optimiser state whether the whole batch gives each picture the
    outputs that it has alone. A model that cannot run, or whose outputs have another shape, fails its verdict.
    """
    if len(images) < 2:
        raise ValueError("a batch check needs at least two different pictures")
    verdicts = []
    for optimised in (True, False):
        state = "optimised" if optimised else "unoptimised"
        ours = OnnxRuntimeRunner(repaired.SerializeToString(), optimised=optimised)
        same = partial(_same, original, ours, recognition, images)
        verdicts.append(_verdict(f"surgery.equals_original.{state}", subject, limits.single_max_abs, same))
        for size in _sizes(recognition.spec, images):
            check = f"surgery.rows_equal_singles.{size.height}x{size.width}.{state}"
            rows = partial(_rows, ours, recognition.spec, _fit(images, size))
            verdicts.append(_verdict(check, subject, limits.row_max_abs, rows))
    return verdicts


def _verdict(check: str, subject: str, threshold: float, measure: Callable[[], tuple[_Worst, str]]) -> Verdict:
    try:
        worst, reason = measure()
    except (StepFailedError, _ShapeError) as error:
        return Verdict(check, subject, Status.FAIL, str(error), threshold=threshold)
    return at_most(check, subject, worst.figure, threshold, reason, witness=worst.witness)


def _same(
    original: onnx.ModelProto, ours: OnnxRuntimeRunner, recognition: Recognition, images: Blob
) -> tuple[_Worst, str]:
    blob = _fit(images, _original_size(original, recognition, images))
    theirs, note = _original_runner(original, blob[:1], optimised=ours.optimised)
    worst = max((_against(theirs, ours, recognition, blob, index) for index in range(len(blob))), key=_severity)
    height, width = blob.shape[2:]
    return worst, f"largest difference over {len(blob)} images, one at a time, at {height}x{width}{note}"


def _original_runner(original: onnx.ModelProto, probe: Blob, *, optimised: bool) -> tuple[OnnxRuntimeRunner, str]:
    """Return a runner of the original, and a note when it runs only without the shapes and types recorded in it."""
    try:
        runner = OnnxRuntimeRunner(original.SerializeToString(), optimised=optimised)
        runner.infer(probe)
    except StepFailedError:
        bare = onnx.ModelProto()
        bare.CopyFrom(original)
        del bare.graph.value_info[:]
        note = (
            "; the shapes and types recorded in the original keep it from running and were cleared in the copy that ran"
        )
        return OnnxRuntimeRunner(bare.SerializeToString(), optimised=optimised), note
    return runner, ""


def _against(
    theirs: OnnxRuntimeRunner, ours: OnnxRuntimeRunner, recognition: Recognition, blob: Blob, index: int
) -> _Worst:
    expected, found = theirs.infer(blob[index : index + 1]), ours.infer(blob[index : index + 1])
    pairs = zip(recognition.output_names, recognition.spec.outputs, strict=True)
    renamed = {output.name: expected[name] for name, output in pairs}
    return _difference(renamed, found, f"picture {index}")


def _rows(ours: OnnxRuntimeRunner, spec: ModelSpec, blob: Blob) -> tuple[_Worst, str]:
    batch = ours.infer(blob)
    _require_shapes(batch, spec, blob)

    def compare(index: int) -> _Worst:
        row = {name: values[index : index + 1] for name, values in batch.items()}
        return _difference(ours.infer(blob[index : index + 1]), row, f"picture {index}")

    worst = max((compare(index) for index in range(len(blob))), key=_severity)
    return (
        worst,
        f"largest difference of an image's row, in a batch of {len(blob)} different ones, to the image alone",
    )


def _require_shapes(batch: Outputs, spec: ModelSpec, blob: Blob) -> None:
    height, width = blob.shape[2:]
    for output in spec.outputs:
        rows = output.rows(height, width, spec.anchors_per_cell)
        wanted = (len(blob), output.channels) if rows is None else (len(blob), rows, output.channels)
        found = batch[output.name].shape if output.name in batch else None
        if found != wanted:
            raise _ShapeError(f"output '{output.name}' is {list(found or [])} where {list(wanted)} is expected")


def _difference(expected: Mapping[str, np.ndarray], found: Outputs, where: str) -> _Worst:
    """Compare all outputs of one frame; the original's may lack the batch axis.

    Outputs below 1 throughout are compared in parts of their largest value, or an absolute limit would pass anything.
    Scores are not: an image without a face has tiny ones, and what counts is their distance to the threshold.
    """
    worst = _Worst(0.0)
    for name, values in expected.items():
        if name not in found or found[name].size != values.size:
            raise _ShapeError(f"output '{name}' of {where} does not have the {values.size} values that are expected")
        unit = 1.0 if name.startswith("score") else min(1.0, float(np.abs(values).max())) or 1.0
        figure = float(np.max(np.abs(found[name].reshape(values.shape) - values))) / unit
        worst = max(worst, _Worst(figure, f"{name}, {where}"), key=_severity)
    return worst


def _severity(worst: _Worst) -> float:
    return np.inf if np.isnan(worst.figure) else worst.figure


def _sizes(spec: ModelSpec, images: Blob) -> list[ImageSize]:
    given = ImageSize(*spec.input.shape(1, *images.shape[2:])[2:])
    if not spec.input.dynamic_size:
        return [given]
    step = spec.input.multiple_of
    others = (ImageSize(-(-size.height // step) * step, -(-size.width // step) * step) for size in _OTHER_SIZES)
    return list(dict.fromkeys((given, *others)))


def _original_size(original: onnx.ModelProto, recognition: Recognition, images: Blob) -> ImageSize:
    declared = next(value for value in original.graph.input if value.name == recognition.input_name)
    height, width = (dim.dim_value for dim in declared.type.tensor_type.shape.dim[2:])
    return ImageSize(max(height, 0) or images.shape[2], max(width, 0) or images.shape[3])


def _fit(images: Blob, size: ImageSize) -> Blob:
    fitted = np.zeros((*images.shape[:2], size.height, size.width), dtype=np.float32)
    height, width = min(size.height, images.shape[2]), min(size.width, images.shape[3])
    fitted[:, :, :height, :width] = images[:, :, :height, :width]
    return fitted
