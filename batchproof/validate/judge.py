"""What a whole model is put through, whatever its role: isolation of its pictures, and parity with its original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from batchproof.errors import InputError
from batchproof.verdict import Verdict, not_run
from batchproof.zoo.spec import ModelSpec

if TYPE_CHECKING:
    import onnx

    from batchproof.pipeline.picture import Pixels
    from batchproof.pipeline.pictures import Picture
    from batchproof.policy import ProbeLimits
    from batchproof.profile import Profile
    from batchproof.runtime import Blob, Runner
    from batchproof.validate.oracle import OracleDetector
    from batchproof.validate.parity import ParitySettings

# Pictures that the probe turns through the slots; its cost grows with their number.
POOL = 3
# A size that is not square shows swapped axes, and a small one leaves time for every slot and every neighbour.
_SMALL, _BATCHES = (96, 160), (1, 2, 3, 5)
# At the size and at the largest batch that are deployed other kernels may run; time allows the worst neighbours only.
_PAIR, _WORST = (2,), ("other picture", "nan")
# More faces tell nothing new about an embedder's arithmetic, and the oracle takes them one at a time.
_MOST_CROPS = 256


def judge_independence(model: onnx.ModelProto, subject: str) -> Verdict:
    """Prove, for every batch size at once, that no frame influences another; the witness names the culprit."""
    from batchproof.validate.independence import prove

    proof = prove(model)
    return Verdict("proof", subject, proof.status, proof.reason, witness=proof.node)


def judge_isolation(
    runner: Runner,
    label: str,
    spec: ModelSpec,
    pictures: Sequence[Picture],
    limits: ProbeLimits,
    profile: Profile,
    subject: str,
) -> list[Verdict]:
    """Probe `runner` with the first `POOL` pictures and the negative of one; one picture is enough.

    Small batches at a small size with every neighbour, those of `profile` with the worst of them, and detectors of
    free size in pairs at the size of `profile` too. Checks are named after `label`, size and batch.
    """
    from batchproof.validate.findings import verdicts
    from batchproof.validate.probe import ProbeSettings, probe

    pixels = [picture.pixels for picture in pictures[:POOL]]
    pixels.append(~pixels[0])
    small, deployed = _pool(spec, pixels, _small(spec)), (profile.height, profile.width)
    large = tuple(batch for batch in (profile.optimum, profile.maximum) if batch > max(_BATCHES))
    scenes = [(small, ProbeSettings(_BATCHES))]
    scenes += [(small[-2:], ProbeSettings((batch,), _WORST)) for batch in dict.fromkeys(large)]
    if spec.input.dynamic_size:
        scenes.append((_pool(spec, pixels[-2:], deployed), ProbeSettings(_PAIR)))
    found = []
    for pool, settings in scenes:
        scene = f"{label}.{pool.shape[2]}x{pool.shape[3]}.batch_{settings.batch_sizes[-1]}"
        judged = verdicts(probe(runner, spec.input, pool, settings), subject, limits)
        found += [replace(verdict, check=f"{verdict.check}.{scene}") for verdict in judged]
    return found


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


def _small(spec: ModelSpec) -> tuple[int, int]:
    step = spec.input.multiple_of
    height, width = (-(-pixels // step) * step for pixels in _SMALL)
    return height, width


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
