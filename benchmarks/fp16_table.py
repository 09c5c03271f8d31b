"""What half precision costs and saves: every model in FP16 against itself in FP32, on pictures with faces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import onnx

from batchproof.artifacts import onnx_file
from batchproof.pipeline.align import norm_crop
from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.detect import detect
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import load_pictures
from batchproof.policy import load_policy
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.fp16.figures import Comparison, limits_for
from batchproof.surgery.fp16.samples import picture_samples
from batchproof.surgery.fp16.table import Fp16Row, fp16_row
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise

_SIZE = (640, 640)
_DIGITS = {"box_shift_px": 3, "landmark_shift_px": 3, "score_shift": 5, "min_cosine": 6, "mean_cosine": 6}
_COUNTS = ("matched_faces", "unmatched_faces", "swapped_faces")


def measure(files: Sequence[Path], images: Path | None) -> dict[str, Fp16Row]:
    """Measure the ONNX detectors and embedders in `files`; embedders on the faces that the first detector finds."""
    models = {file.stem: _repaired(file) for file in files}
    pictures = [picture.pixels for picture in load_pictures(images)]
    crops = list(_faces(models, pictures))
    return {name: _row(model, pictures, crops) for name, model in models.items()}


def _repaired(file: Path) -> onnx.ModelProto:
    model = onnx_file.read(file)
    return repair(model, recognise(model)).model


def _faces(models: Mapping[str, onnx.ModelProto], pictures: Sequence[Pixels]) -> Iterator[Pixels]:
    detector = next(model for model in models.values() if recognise(model).spec.has_keypoints)
    runner, spec = OnnxRuntimeRunner(detector.SerializeToString()), recognise(detector).spec
    found = (detect(runner, spec, [picture], DetectionSettings())[0] for picture in pictures)
    for picture, faces in zip(pictures, found, strict=True):
        if faces.keypoints is not None:
            yield from (norm_crop(picture, points) for points in faces.keypoints)


def _row(model: onnx.ModelProto, pictures: Sequence[Pixels], crops: Sequence[Pixels]) -> Fp16Row:
    spec, policy = recognise(model).spec, load_policy()
    shown = pictures if spec.role == "detector" else crops
    limits = limits_for(spec, policy.fp16)
    comparison = Comparison(model, spec, picture_samples(shown, spec.input, _SIZE), limits)
    return fp16_row(model, to_fp16(model)[0], comparison)


def markdown(rows: Mapping[str, Fp16Row]) -> str:
    """Return the section of the report: a line for each model and each way to compute."""
    lines = chain.from_iterable(_lines(name, row) for name, row in rows.items())
    return f"""## FP16 against FP32

"Stored" is what hardware gives that keeps every tensor between two nodes in half; "executed" is ONNX Runtime's CPU,
which keeps them in FP32. Faces: found again, lost or invented, and found at another of several equally good anchors.

| model | MB, FP32 to FP16 | nodes in half, Casts | | box, landmark (px) | score | cosine, least and mean | faces |
|---|---|---|---|---|---|---|---|
{chr(10).join(lines)}
"""


def _lines(name: str, row: Fp16Row) -> Iterator[str]:
    nodes = f"{row.half_nodes} of {row.half_nodes + row.float_nodes}, {row.casts}"
    sizes = f"{row.fp32_bytes / 1e6:.2f} to {row.fp16_bytes / 1e6:.2f}"
    for way, figures in (("stored", row.as_hardware), ("executed", row.as_executed)):
        shown = {key: f"{figures[key]:.{digits}f}" for key, digits in _DIGITS.items() if key in figures}
        faces = ", ".join(f"{figures[key]:.0f}" for key in _COUNTS if key in figures)
        moves = ", ".join(shown[key] for key in ("box_shift_px", "landmark_shift_px") if key in shown)
        cosines = ", ".join(shown[key] for key in ("min_cosine", "mean_cosine") if key in shown)
        yield f"| {name} | {sizes} | {nodes} | {way} | {moves} | {shown.get('score_shift', '')} | {cosines} | {faces} |"
