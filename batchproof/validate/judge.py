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
    from batchproof.validate.face_sample import FaceSample
    from batchproof.validate.oracle import OracleDetector
    from batchproof.validate.parity import ParitySettings

# More faces tell nothing new about a network's arithmetic, and the oracle takes them one at a time.
_MOST_FACES = 256


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

    Whatever takes faces gets those that `finder`, insightface's own detector, finds in the pictures, and whole pictures
    when there is no finder. Where it finds no face, ArcFace gets whole pictures too; landmark and attribute networks,
    whose crop depends on the box, are `not_run`.
    """
    from batchproof.validate.attribute_parity import attribute_parity
    from batchproof.validate.face_oracle import OracleAttributes, OracleLandmarker
    from batchproof.validate.landmark_parity import landmark_parity
    from batchproof.validate.oracle import OracleDetector, OracleEmbedder
    from batchproof.validate.parity import detector_parity, embedder_parity

    _require_family(original, spec)
    if spec.role == "detector":
        return detector_parity(OracleDetector(original, spec), runner, spec, pictures, settings)
    if spec.family == "arcface":
        crops = _crops(spec, pictures, settings, finder)
        return embedder_parity(OracleEmbedder(original), runner, spec, crops, settings)
    if spec.role == "landmarks":
        sample = _sample(pictures, settings, finder)
        return landmark_parity(OracleLandmarker(original, spec), runner, spec, sample, settings)
    if spec.role == "attributes":
        sample = _sample(pictures, settings, finder)
        return attribute_parity(OracleAttributes(original), runner, spec, sample, settings)
    return [not_run("parity.outputs", settings.subject, f"insightface runs no {spec.family}")]


def _require_family(original: Path, spec: ModelSpec) -> None:
    from batchproof.artifacts import onnx_file
    from batchproof.zoo.recognise import recognise

    found = recognise(onnx_file.read(original), original).spec
    if found.family != spec.family:
        raise InputError(f"is of the family {found.family}, the batched model is of {spec.family}", where=original)
    given, expected = found.outputs[0].channels, spec.outputs[0].channels
    if given != expected:
        raise InputError(f"gives {given} values, the batched model {expected}", where=original)


def _crops(
    spec: ModelSpec, pictures: Sequence[Picture], settings: ParitySettings, finder: OracleDetector | None
) -> list[Picture]:
    from batchproof.validate.crops import face_crops, whole_crops

    size = spec.input.height or 0
    faces = [finder.observe(picture.pixels, settings.detection).detections for picture in pictures] if finder else []
    return face_crops(pictures, faces, size)[:_MOST_FACES] if any(faces) else whole_crops(pictures, size)


def _sample(pictures: Sequence[Picture], settings: ParitySettings, finder: OracleDetector | None) -> FaceSample:
    from batchproof.validate.face_sample import found_faces, whole_pictures

    if finder is None:
        return whole_pictures(pictures, settings.detection)
    return found_faces(pictures, finder, settings.detection, _MOST_FACES)
