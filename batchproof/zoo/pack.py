"""Packs: named sets of models, and where each model comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchproof.zoo import families
from batchproof.zoo.spec import ModelSpec

NO_LICENCE = "unknown: not a file that InsightFace published"
SEEDED_LICENCE = "Apache-2.0: deterministic random weights, no training data"


@dataclass(frozen=True)
class OnnxSource:
    """An ONNX file of the user's."""

    path: Path


@dataclass(frozen=True)
class CheckpointSource:
    """A PyTorch checkpoint of the user's, and the architecture that its keys and shapes fit."""

    path: Path
    architecture: str


@dataclass(frozen=True)
class ConfigFile:
    """A file of a configuration, and the sha256 of what was read from it."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class ConfiguredSource:
    """A PyTorch checkpoint of the user's, and the mmdet configuration of the SCRFD that it was trained as.

    `configs` are the configuration, then all files that it builds upon, as they were when the model was recognised.
    `architecture` are all the numbers of the network that were read from them, as text.
    """

    path: Path
    configs: tuple[ConfigFile, ...]
    architecture: str


@dataclass(frozen=True)
class RecoveredSource:
    """An ONNX file of the user's as a source of weights, and the architecture that its layers pair with."""

    path: Path
    architecture: str


@dataclass(frozen=True)
class SeededSource:
    """Deterministic random weights in a true architecture: something to run when no weights may be shipped."""

    architecture: str
    seed: int


# What PyTorch exports; an ONNX file that is no source of weights is taken over as it is.
NetworkSource = CheckpointSource | ConfiguredSource | RecoveredSource | SeededSource
Source = OnnxSource | NetworkSource


@dataclass(frozen=True)
class PackModel:
    """One model of a pack; `reason` says why it is taken for what `spec` says."""

    name: str
    spec: ModelSpec
    source: Source
    reason: str
    licence: str


@dataclass(frozen=True)
class Pack:
    """An ordered set of models with distinct names."""

    name: str
    models: tuple[PackModel, ...]


def _seeded(name: str, architecture: str, spec: ModelSpec, seed: int) -> PackModel:
    reason = f"declared by the demo pack: {architecture} with weights from seed {seed}"
    return PackModel(name, spec, SeededSource(architecture, seed), reason, SEEDED_LICENCE)


DEMO = Pack(
    "demo",
    (
        _seeded("scrfd_500m_kps", "scrfd_500m_bnkps", families.scrfd(), seed=500),
        _seeded("mobilefacenet", "mbf", families.arcface(), seed=112),
    ),
)

# The packs that InsightFace publishes, and what each is made of.
PUBLISHED_PACKS: dict[str, tuple[str, ...]] = {
    "buffalo_l": ("det_10g", "w600k_r50", "2d106det", "1k3d68", "genderage"),
    "buffalo_m": ("det_2.5g", "w600k_r50", "2d106det", "1k3d68", "genderage"),
    "buffalo_s": ("det_500m", "w600k_mbf", "2d106det", "1k3d68", "genderage"),
    "buffalo_sc": ("det_500m", "w600k_mbf"),
    "antelopev2": ("scrfd_10g_bnkps", "glintr100", "2d106det", "1k3d68", "genderage"),
}
