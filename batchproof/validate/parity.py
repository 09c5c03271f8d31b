"""Parity with insightface: a batched model, given different pictures in one batch, must give its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import StepFailedError
from batchproof.pipeline.blob import to_blob
from batchproof.pipeline.decode import DetectionSettings, decode
from batchproof.pipeline.detect import prepare
from batchproof.pipeline.pictures import Picture
from batchproof.policy import PrecisionLimits
from batchproof.runtime import Runner
from batchproof.validate.face_parity import face_shift, face_verdicts
from batchproof.validate.oracle import OracleDetector, OracleEmbedder
from batchproof.validate.raw_parity import raw_verdicts
from batchproof.validate.whole_batches import infer_whole
from batchproof.verdict import Status, Verdict, at_least, at_most
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class ParitySettings:
    """The artifact's name for verdicts, its thresholds, the size of its batches, and how to detect."""

    subject: str
    limits: PrecisionLimits
    batch: int
    detection: DetectionSettings = field(default_factory=DetectionSettings)


def detector_parity(
    oracle: OracleDetector, runner: Runner, spec: ModelSpec, pictures: Sequence[Picture], settings: ParitySettings
) -> list[Verdict]:
    """Compare a batched detector with insightface's detector on the original file.

    All pictures go through `runner` in whole batches of `batch`, and through `oracle` one at a time.
    Compared are the raw outputs, and the faces after decoding and suppression. The input size is the oracle's own
    where the original fixes it. Raises `InputError` for pictures that cannot be fitted into the input.
    """
    height, width = oracle.own_size or (settings.detection.height, settings.detection.width)
    detection = replace(settings.detection, height=height, width=width)
    prepared = prepare([picture.pixels for picture in pictures], spec.input, height, width)
    try:
        outputs = infer_whole(runner, spec, prepared.blob, settings.batch)
        faces = decode(outputs, spec, detection, prepared.scales)
    except StepFailedError as error:
        return [Verdict("parity.outputs", settings.subject, Status.FAIL, error.what)]
    seen = [oracle.observe(picture.pixels, detection) for picture in pictures]
    names = [picture.name for picture in pictures]
    limits, subject = settings.limits.detector, settings.subject
    decided = detection.threshold + limits.score_shift
    shifts = [
        face_shift(name, observation.detections, found, decided)
        for name, observation, found in zip(names, seen, faces, strict=True)
    ]
    return [
        *raw_verdicts([observation.outputs for observation in seen], outputs, spec, names, subject, limits),
        *face_verdicts(shifts, subject, limits, spec.has_keypoints),
    ]


def embedder_parity(
    oracle: OracleEmbedder, runner: Runner, spec: ModelSpec, crops: Sequence[Picture], settings: ParitySettings
) -> list[Verdict]:
    """Compare a batched embedder with insightface's embedder on the original file, crop by crop.

    All crops go through `runner` in whole batches of `batch`, and through `oracle` one at a time.
    Raises `InputError` for crops that do not have the network's size.
    """
    blob = to_blob([crop.pixels for crop in crops], spec.input)
    try:
        batched = infer_whole(runner, spec, blob, settings.batch)[spec.outputs[0].name].astype(np.float64)
    except StepFailedError as error:
        return [Verdict("parity.outputs", settings.subject, Status.FAIL, error.what)]
    original = np.stack([oracle.embed(crop.pixels) for crop in crops]).astype(np.float64)
    cosine = _cosines(original, batched)
    difference = np.abs(original - batched).max(axis=1)
    how = f"{len(crops)} crops in batches of {settings.batch} against insightface one at a time"
    limits, subject = settings.limits.embedder, settings.subject
    low, high = int(cosine.argmin()), int(difference.argmax())
    return [
        at_least(
            "parity.embedding_cosine",
            subject,
            float(cosine[low]),
            limits.min_cosine,
            f"smallest cosine of an embedding to the original's, {how}",
            witness=crops[low].name,
        ),
        at_most(
            "parity.embedding_max_abs",
            subject,
            float(difference[high]),
            limits.max_abs,
            f"largest difference of an embedding to the original's, {how}",
            witness=crops[high].name,
        ),
    ]


def _cosines(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of each row of `first` with the same row of `second`; NaN for a row of zeros."""
    with np.errstate(invalid="ignore"):
        cosine: NDArray[np.float64] = (first * second).sum(axis=1) / np.sqrt(
            (first**2).sum(axis=1) * (second**2).sum(axis=1)
        )
    return cosine
