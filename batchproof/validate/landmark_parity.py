"""Parity of 2d106det and 1k3d68 with insightface: raw outputs, points in the picture, and the pose of the head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import StepFailedError
from batchproof.pipeline.decode import Floats, require_finite
from batchproof.pipeline.landmarks import Landmarker, head_pose
from batchproof.pipeline.mean_face import mean_shape
from batchproof.runtime import Runner
from batchproof.validate.face_oracle import ObservedLandmarks, OracleLandmarker
from batchproof.validate.face_sample import FaceSample
from batchproof.validate.parity import ParitySettings
from batchproof.validate.whole_batches import WholeBatches
from batchproof.verdict import Status, Verdict, not_run
from batchproof.zoo.spec import ModelSpec


def landmark_parity(
    oracle: OracleLandmarker, runner: Runner, spec: ModelSpec, sample: FaceSample, settings: ParitySettings
) -> list[Verdict]:
    """Compare our batched `Landmarker` with insightface's `Landmark` on the original file, face by face.

    All faces go through `runner` in whole batches of `batch`, and through `oracle` one at a time. Heads have a pose
    where points have three coordinates. Raises `StepFailedError` when the original gives NaN or Inf.
    """
    batches = WholeBatches(runner, spec, settings.batch)
    landmarker = Landmarker(batches, spec, settings.batch)
    posed = landmarker.layout.dimensions == 3
    if not sample.faces:
        checks = ("raw_landmarks", "landmark_points", *(("head_pose",) if posed else ()))
        return [not_run(f"parity.{check}", settings.subject, sample.told) for check in checks]
    try:
        points = landmarker.find(sample.pictures, sample.boxes)
        require_finite(spec.outputs[0].name, points, np.arange(len(points)))
    except StepFailedError as error:
        return [Verdict("parity.outputs", settings.subject, Status.FAIL, error.what)]
    seen = [oracle.observe(face.pixels, face.box) for face in sample.faces]
    verdicts = _point_verdicts(batches.rows, points, seen, sample, settings)
    return [*verdicts, _pose_verdict(points, seen, sample, settings)] if posed else verdicts


def angle_shift(first: Floats, second: Floats) -> NDArray[np.float64]:
    """How far the angles of each head, `[n, 3]`, in degrees, are apart at most, `[n]`; 180 and -180 are the same."""
    difference = first.astype(np.float64) - second
    shift: NDArray[np.float64] = np.abs((difference + 180) % 360 - 180).max(axis=1)
    return shift


def _point_verdicts(
    rows: Floats, points: Floats, seen: Sequence[ObservedLandmarks], sample: FaceSample, settings: ParitySettings
) -> list[Verdict]:
    raw = np.abs(rows - np.stack([face.raw for face in seen])).max(axis=1)
    moved = np.linalg.norm(points - np.stack([face.points for face in seen]), axis=2).max(axis=1)
    limits, subject = settings.limits.landmarks, settings.subject
    how = f"{sample.told}, in batches of {settings.batch} against insightface one at a time"
    return [
        sample.worst(
            "parity.raw_landmarks", subject, raw, limits.raw, f"largest difference of raw landmark outputs, {how}"
        ),
        sample.worst(
            "parity.landmark_points",
            subject,
            moved,
            limits.point_shift_px,
            f"furthest move of a point in its picture, {how}",
            unit="px",
        ),
    ]


def _pose_verdict(
    points: Floats, seen: Sequence[ObservedLandmarks], sample: FaceSample, settings: ParitySettings
) -> Verdict:
    turned = angle_shift(head_pose(points, mean_shape()), np.array([face.pose for face in seen], np.float32))
    return sample.worst(
        "parity.head_pose",
        settings.subject,
        turned,
        settings.limits.landmarks.pose_degrees,
        f"largest difference of a head's pitch, yaw or roll, {sample.told}",
        unit="degrees",
    )
