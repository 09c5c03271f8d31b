"""What a whole model is put through, whatever its role: isolation of its pictures, and parity with its original."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from batchproof.verdict import Verdict, not_run
from batchproof.zoo.spec import ModelSpec

if TYPE_CHECKING:
    from batchproof.pipeline.picture import Pixels
    from batchproof.runtime import Blob, Runner
    from batchproof.validate.oracle import OracleDetector
    from batchproof.validate.parity import ParitySettings
    from batchproof.validate.pictures import Picture
    from batchproof.validate.policy import ProbeLimits

# Pictures that the probe turns through the slots; its cost grows with their number.
POOL = 3
# A size that is not square shows swapped axes, and a small one leaves time for every slot and every neighbour.
_SMALL, _BATCHES = (96, 160), (1, 2, 3, 5)
# At the size that is deployed, other kernels may be chosen; one pair is what time allows.
_PAIR = (2,)
# More faces tell nothing new about an embedder's arithmetic, and the oracle takes them one at a time.
_MOST_CROPS = 256


def judge_isolation(
    runner: Runner,
    spec: ModelSpec,
    pictures: Sequence[Picture],
    limits: ProbeLimits,
    subject: str,
    deployed: tuple[int, int],
) -> list[Verdict]:
    """Probe `runner` with the first `POOL` pictures and a mirrored one; one picture is enough.

    Detectors of free size are probed at a small size, and with pairs at `deployed`, height and width in pixels.
    """
    from batchproof.validate.findings import verdicts
    from batchproof.validate.probe import ProbeSettings, probe

    pixels = [picture.pixels for picture in pictures[:POOL]]
    pixels.append(pixels[0][:, ::-1].copy())
    scenes = [(_SMALL, _BATCHES), (deployed, _PAIR)] if spec.input.dynamic_size else [(_SMALL, _BATCHES)]
    return [
        verdict
        for size, batches in scenes
        for verdict in verdicts(
            probe(runner, spec.input, _pool(spec, pixels, size), ProbeSettings(batches)), subject, limits
        )
    ]


def judge_parity(
    original: Path,
    runner: Runner,
    spec: ModelSpec,
    pictures: Sequence[Picture],
    settings: ParitySettings,
    finder: OracleDetector | None,
) -> list[Verdict]:
    """Compare `runner` with insightface on the file `original`.

    Embedders get the faces that `finder`, insightface's own detector, finds in the pictures; whole pictures scaled to
    their input when there is no finder, or no face.
    """
    from batchproof.validate.oracle import OracleDetector, OracleEmbedder
    from batchproof.validate.parity import detector_parity, embedder_parity

    if spec.role == "detector":
        return detector_parity(OracleDetector(original, spec), runner, spec, pictures, settings)
    if spec.role == "embedder":
        crops = _crops(spec, pictures, settings, finder)
        return embedder_parity(OracleEmbedder(original), runner, spec, crops, settings)
    return [not_run("parity.outputs", settings.subject, f"no parity with insightface yet for the role '{spec.role}'")]


def _pool(spec: ModelSpec, pixels: list[Pixels], size: tuple[int, int]) -> Blob:
    from batchproof.pipeline.detect import prepare

    height, width = spec.input.shape(1, *size)[2:]
    return prepare(pixels, spec.input, height, width).blob


def _crops(
    spec: ModelSpec, pictures: Sequence[Picture], settings: ParitySettings, finder: OracleDetector | None
) -> list[Picture]:
    from batchproof.validate.crops import face_crops, whole_crops

    size = spec.input.height or 0
    faces = [finder.observe(picture.pixels, settings.detection).detections for picture in pictures] if finder else []
    return face_crops(pictures, faces, size)[:_MOST_CROPS] if any(faces) else whole_crops(pictures, size)
