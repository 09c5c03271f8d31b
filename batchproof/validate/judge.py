"""What a whole model is put through, whatever its role: the proof, and parity with its original."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from batchproof.errors import InputError
from batchproof.verdict import Verdict, not_run
from batchproof.zoo.spec import ModelSpec

if TYPE_CHECKING:
    import onnx

    from batchproof.pipeline.pictures import Picture
    from batchproof.runtime import Runner
    from batchproof.validate.oracle import OracleDetector
    from batchproof.validate.parity import ParitySettings

# More faces tell nothing new about an embedder's arithmetic, and the oracle takes them one at a time.
_MOST_CROPS = 256


def judge_independence(model: onnx.ModelProto, subject: str) -> Verdict:
    """Prove, for every batch size at once, that no frame influences another; the witness names the culprit."""
    from batchproof.validate.independence import prove

    proof = prove(model)
    return Verdict("proof", subject, proof.status, proof.reason, witness=proof.node)


def judge_parity(
    original: Path,
    runner: Runner,
    spec: ModelSpec,
    pictures: Sequence[Picture],
    settings: ParitySettings,
    finder: OracleDetector | None,
) -> list[Verdict]:
    """Compare `runner` with insightface on the file `original`.

    ArcFace gets the faces that `finder`, insightface's own detector, finds in the pictures; whole pictures scaled to
    their input when there is no finder, or no face.
    """
    from batchproof.validate.oracle import OracleDetector, OracleEmbedder
    from batchproof.validate.parity import detector_parity, embedder_parity

    _require_family(original, spec)
    if spec.role == "detector":
        return detector_parity(OracleDetector(original, spec), runner, spec, pictures, settings)
    if spec.family == "arcface":
        crops = _crops(spec, pictures, settings, finder)
        return embedder_parity(OracleEmbedder(original), runner, spec, crops, settings)
    return [
        not_run("parity.outputs", settings.subject, f"insightface runs no {spec.family}, or not yet compared with it")
    ]


def _require_family(original: Path, spec: ModelSpec) -> None:
    from batchproof.artifacts import onnx_file
    from batchproof.zoo.recognise import recognise

    family = recognise(onnx_file.read(original), original).spec.family
    if family != spec.family:
        raise InputError(f"is of the family {family}, the batched model is of {spec.family}", where=original)


def _crops(
    spec: ModelSpec, pictures: Sequence[Picture], settings: ParitySettings, finder: OracleDetector | None
) -> list[Picture]:
    from batchproof.validate.crops import face_crops, whole_crops

    size = spec.input.height or 0
    faces = [finder.observe(picture.pixels, settings.detection).detections for picture in pictures] if finder else []
    return face_crops(pictures, faces, size)[:_MOST_CROPS] if any(faces) else whole_crops(pictures, size)
