"""The model families of InsightFace: one function each, from the few numbers that vary to a complete `ModelSpec`."""

from __future__ import annotations

from dataclasses import dataclass

from batchproof.zoo.spec import InputSpec, ModelSpec, OutputKind, OutputSpec

SCRFD_CHANNELS: dict[OutputKind, int] = {"score": 1, "bbox": 4, "kps": 10}

FACE_CROP = 1.5
"""Side of the upright crop that landmark and attribute networks take, in multiples of the box's longer side."""


@dataclass(frozen=True)
class LandmarkLayout:
    """How the values of a landmark network are to be read: its last `points` points, of so many coordinates each."""

    points: int
    dimensions: int


LANDMARK_LAYOUTS = {212: LandmarkLayout(points=106, dimensions=2), 3309: LandmarkLayout(points=68, dimensions=3)}
"""2d106det and 1k3d68 by the number of values they give; the latter gives 1103 points, the first ones of no use."""


def scrfd(*, keypoints: bool = True, strides: tuple[int, ...] = (8, 16, 32), anchors_per_cell: int = 2) -> ModelSpec:
    """SCRFD: scores, boxes as distances in stride units, and five landmarks for every anchor of every level.

    Mean 127.5 and std 128 (not 127.5) are those of the detector's training; sizes are multiples of the largest stride.
    """
    kinds: tuple[OutputKind, ...] = ("score", "bbox", "kps") if keypoints else ("score", "bbox")
    return ModelSpec(
        family="scrfd",
        role="detector",
        input=InputSpec(height=None, width=None, mean=127.5, std=128.0, multiple_of=max(strides)),
        outputs=tuple(
            OutputSpec(f"{kind}_{stride}", kind, SCRFD_CHANNELS[kind], stride) for kind in kinds for stride in strides
        ),
        anchors_per_cell=anchors_per_cell,
    )


def arcface(*, size: int = 112, embedding: int = 512, normalised_in_graph: bool = False) -> ModelSpec:
    """ArcFace and its relatives: one aligned crop in, one embedding out, not L2-normalised."""
    mean, std = (0.0, 1.0) if normalised_in_graph else (127.5, 127.5)
    return ModelSpec(
        family="arcface",
        role="embedder",
        input=InputSpec(height=size, width=size, mean=mean, std=std),
        outputs=(OutputSpec("embedding", "embedding", embedding),),
    )


def adaface(*, embedding: int = 512) -> ModelSpec:
    """AdaFace: one aligned crop in, BGR and not RGB, an embedding of length 1 and the length it had before out."""
    return ModelSpec(
        family="adaface",
        role="embedder",
        input=InputSpec(height=112, width=112, mean=127.5, std=127.5, colour="BGR"),
        outputs=(OutputSpec("embedding", "embedding", embedding), OutputSpec("norm", "attributes", 1)),
    )


def landmarks(*, size: int, channels: int, normalised_in_graph: bool) -> ModelSpec:
    """2d106det (212 values) and 1k3d68 (3309 values): an upright crop in, points out; -1 and 1 are the crop's borders.

    `LANDMARK_LAYOUTS` says how to read them, `FACE_CROP` how large the crop is.
    """
    mean, std = (0.0, 1.0) if normalised_in_graph else (127.5, 128.0)
    return ModelSpec(
        family="landmarks",
        role="landmarks",
        input=InputSpec(height=size, width=size, mean=mean, std=std),
        outputs=(OutputSpec("landmarks", "landmarks", channels),),
    )


def genderage(*, size: int, normalised_in_graph: bool) -> ModelSpec:
    """An upright crop in (`FACE_CROP`); a value for female, one for male, and age / 100 out."""
    mean, std = (0.0, 1.0) if normalised_in_graph else (127.5, 128.0)
    return ModelSpec(
        family="genderage",
        role="attributes",
        input=InputSpec(height=size, width=size, mean=mean, std=std),
        outputs=(OutputSpec("attributes", "attributes", 3),),
    )
