"""What the chain of one pair of models saw, as a JSON file of the store: for reports, and for whoever plots it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, with_config

from batchproof.artifacts import json_file
from batchproof.zoo.spec import Precision

FORMAT = 1
CHECK = "parity.chain"
"""The step that writes it, and how the names of its verdicts begin."""
# A network that gives zeros has cosines that are no number, and JSON has none for them.
_WRITTEN = ConfigDict(extra="forbid", ser_json_inf_nan="strings")

Box = tuple[float, float, float, float]
Point = tuple[float, float]


@with_config(_WRITTEN)
@dataclass(frozen=True)
class FoundFace:
    """One face, in pixels of the picture: left, top, right, bottom, and five landmarks (x, y)."""

    box: Box
    score: float
    landmarks: tuple[Point, ...]


@with_config(_WRITTEN)
@dataclass(frozen=True)
class PictureFaces:
    """A picture by its name and size in pixels, the faces that insightface finds in it, and those of the batch.

    The faces are the best ones where a picture has hundreds; `original_count` and `batched_count` are of all.
    """

    name: str
    height: int
    width: int
    original: tuple[FoundFace, ...]
    batched: tuple[FoundFace, ...]
    original_count: int
    batched_count: int


@with_config(_WRITTEN)
@dataclass(frozen=True)
class Errors:
    """How far each face that both found is from insightface's.

    `box` and `landmark` are the furthest edge and point in pixels of the picture, `score` is absolute. `cosine` is what
    lacks from 1 between both embeddings of a face, end to end, for the faces that were selected; infinite where it is
    no number.
    """

    box: tuple[float, ...]
    landmark: tuple[float, ...]
    score: tuple[float, ...]
    cosine: tuple[float, ...]


@with_config(_WRITTEN)
@dataclass(frozen=True)
class Similarity:
    """Cosines between the selected `faces`, all with all: insightface's, and ours end to end; NaN without a length.

    Raises `ValueError` when they are not as many as the faces.
    """

    faces: tuple[str, ...]
    original: tuple[tuple[float, ...], ...]
    batched: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        count = len(self.faces)
        if any(list(map(len, matrix)) != [count] * count for matrix in (self.original, self.batched)):
            raise ValueError(f"{count} faces need {count} rows of {count} cosines")


@with_config(_WRITTEN)
@dataclass(frozen=True)
class SeenFaces:
    """All pictures with their faces, the errors of those, and how similar the selected ones are."""

    pictures: tuple[PictureFaces, ...]
    errors: Errors
    similarity: Similarity


@with_config(_WRITTEN)
@dataclass(frozen=True)
class ChainFile:
    """What was seen in the chain of `detector` and `embedder`, recorded under `subject`."""

    subject: str
    detector: str
    embedder: str
    seen: SeenFaces
    format: int = FORMAT


def store_path(model: str, precision: Precision) -> str:
    """Where it lies in a store."""
    return f"validate/{model}.{precision}.chain.json"


def read(path: Path) -> ChainFile:
    """Read what the chain wrote; raises `InputError` where there is no file, `StoreError` for anything else in it."""
    return json_file.read(path, ChainFile, called="a chain", version=FORMAT, remedy="Run the validate stage again")
