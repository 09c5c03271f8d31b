"""Which models of a pack work together: a detector finds the faces that an embedder is given."""

from __future__ import annotations

from collections.abc import Mapping

from batchproof.zoo.spec import ModelSpec


def pairs(specs: Mapping[str, ModelSpec]) -> list[tuple[str, str]]:
    """Name detector and embedder of every pair that insightface could run; `specs` are those of a pack, by name.

    Each detector with landmarks is paired with the first ArcFace, and each further ArcFace with the first detector.
    insightface would take AdaFace too, and show it other colours than it was trained on.
    """
    detectors = [name for name, spec in specs.items() if spec.has_keypoints]
    embedders = [name for name, spec in specs.items() if spec.family == "arcface"]
    first = [(detector, embedder) for detector in detectors for embedder in embedders[:1]]
    return first + [(detector, embedder) for embedder in embedders[1:] for detector in detectors[:1]]
