"""The configuration of the tracker: faces by overlap alone, from the first frame on."""

from __future__ import annotations

from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.key_file import Group, Key, yaml
from batchproof.deploy.deepstream.plan import BundlePlan

# The line with which all of NVIDIA's files begin; it is no directive of YAML.
_HEADER = "%YAML:1.0\n"
# Tracks that wait in the shadow count as well.
_TARGETS_PER_FACE = 2


def tracker_config(plan: BundlePlan) -> str:
    """Write the configuration of NvMultiObjectTracker, as its IOU tracker.

    A visual tracker would go on where the detector has found nothing; such a face has no landmarks, and is of no use.
    """
    groups = (
        Group("BaseConfig", (Key("minDetectorConfidence", 0.0, "the detector's threshold has decided already"),)),
        Group(
            "TargetManagement",
            (
                Key("preserveStreamUpdateOrder", 0),
                Key("maxTargetsPerStream", _TARGETS_PER_FACE * plan.faces),
                Key("minIouDiff4NewTarget", 0.5),
                Key("probationAge", 0, "faces under probation would be removed: no embedding of their first frames"),
                Key("maxShadowTrackingAge", 30, "frames in which a face may be missed and keep its number"),
                Key("earlyTerminationAge", 1),
            ),
        ),
        Group("TrajectoryManagement", (Key("useUniqueID", 0),)),
        Group("DataAssociator", _association()),
        Group("StateEstimator", (Key("stateEstimatorType", 0),)),
        Group("VisualTracker", (Key("visualTrackerType", 0),)),
    )
    head = f"For {paths.TRACKER_LIBRARY}: its IOU tracker.\nNot tuned, and never run."
    return _HEADER + yaml(head, groups)


def _association() -> tuple[Key, ...]:
    return (
        Key("dataAssociatorType", 0),
        Key("associationMatcherType", 0),
        Key("checkClassMatch", 1),
        Key("minMatchingScore4Overall", 0.0),
        Key("minMatchingScore4SizeSimilarity", 0.0),
        Key("minMatchingScore4Iou", 0.0),
        Key("matchingScoreWeight4SizeSimilarity", 0.4),
        Key("matchingScoreWeight4Iou", 0.6),
    )
