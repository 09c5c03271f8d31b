"""What the model `faces` takes and gives: the one list that its configuration, its code and its client agree on.

A request has n frames of one size as raw pixels (`frame`), or n files (`image`), never both. All outputs have n rows.
F is the largest number of faces in a frame of that request: row i counts up to `num_faces[i]`, what follows is zero, so
a request of one frame is not padded at all. Coordinates are pixels of the frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from batchproof.zoo.families import LANDMARK_LAYOUTS
from batchproof.zoo.spec import ModelSpec

# As Triton writes them in a config.pbtxt, behind TYPE_.
DataType = Literal["BOOL", "UINT8", "INT32", "FP32", "STRING"]

MODEL = "faces"
PIPELINE_FILE = "pipeline.json"


@dataclass(frozen=True)
class ServedTensor:
    """A tensor of `faces` without its batch axis; -1 is any size."""

    name: str
    data_type: DataType
    dims: tuple[int, ...]


FRAME = ServedTensor("frame", "UINT8", (-1, -1, 3))
"""BGR pixels, `[n, height, width, 3]`."""
IMAGE = ServedTensor("image", "STRING", (1,))
"""Whole JPEG, PNG, BMP or WebP files, `[n, 1]`; they may differ in size."""

NUM_FACES = ServedTensor("num_faces", "INT32", (1,))
BOXES = ServedTensor("boxes", "FP32", (-1, 4))
"""Left, top, right, bottom."""
SCORES = ServedTensor("scores", "FP32", (-1,))
KEYPOINTS = ServedTensor("keypoints", "FP32", (-1, 5, 2))
MALE = ServedTensor("male", "BOOL", (-1,))
AGES = ServedTensor("ages", "INT32", (-1,))


def embeddings(channels: int) -> tuple[ServedTensor, ServedTensor]:
    """The embeddings as the network gives them, and at length 1."""
    return ServedTensor("embeddings", "FP32", (-1, channels)), ServedTensor("normed_embeddings", "FP32", (-1, channels))


def landmarks(name: str, spec: ModelSpec) -> ServedTensor:
    """The points of one landmark network; `name` is the model's, without its precision."""
    layout = LANDMARK_LAYOUTS[spec.outputs[0].channels]
    return ServedTensor(f"landmarks_{name}", "FP32", (-1, layout.points, layout.dimensions))


def outputs(embedder: ModelSpec, heads: Iterable[tuple[str, ModelSpec]]) -> tuple[ServedTensor, ...]:
    """All outputs of a pipeline with this embedder and these landmark and attribute networks, in their order."""
    found = [NUM_FACES, BOXES, SCORES, KEYPOINTS, *embeddings(embedder.outputs[0].channels)]
    for name, spec in heads:
        found += [landmarks(name, spec)] if spec.role == "landmarks" else [MALE, AGES]
    return tuple(found)
