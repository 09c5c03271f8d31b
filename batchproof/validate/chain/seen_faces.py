"""The faces of a chain, insightface's and those of the batch, as reports show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.decode import Detections, Floats
from batchproof.pipeline.matching import match_faces
from batchproof.pipeline.pictures import Picture
from batchproof.validate.chain.chain_file import Errors, FoundFace, PictureFaces, SeenFaces, Similarity
from batchproof.validate.chain.measures import Sides

# Of one picture, best first: an untrained network finds thousands of faces, and nobody looks at them.
_MOST_SHOWN = 500
_NOBODY = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), None)


def seen_faces(pictures: Sequence[Picture], found: Sides) -> SeenFaces:
    """Collect what reports show of a walk end to end; `found` are the sides reduced to the faces that both selected.

    A walk that ended before its last stage shows what it came to.
    """
    original, batched = found.theirs["survivors"], found.ours.get("survivors", [_NOBODY] * len(pictures))
    shown = tuple(map(_picture, pictures, original, batched))
    return SeenFaces(shown, _errors(original, batched, found), _similarity(found))


def _picture(picture: Picture, original: Detections, batched: Detections) -> PictureFaces:
    height, width = picture.pixels.shape[:2]
    return PictureFaces(picture.name, height, width, _faces(original), _faces(batched), len(original), len(batched))


def _faces(found: Detections) -> tuple[FoundFace, ...]:
    shown = found.take(np.arange(min(len(found), _MOST_SHOWN)))
    points = np.empty((len(shown), 0, 2)) if shown.keypoints is None else shown.keypoints
    # A thousandth of a pixel is more than a picture shows.
    boxes, landmarks = shown.boxes.round(3).tolist(), points.round(3).tolist()
    rows = zip(boxes, shown.scores.round(4).tolist(), landmarks, strict=True)
    return tuple(FoundFace(tuple(box), score, tuple(map(tuple, face))) for box, score, face in rows)


def _errors(original: Sequence[Detections], batched: Sequence[Detections], found: Sides) -> Errors:
    pairs = [_matched(first, second) for first, second in zip(original, batched, strict=True)]
    return Errors(
        box=_listed(_furthest(ours.boxes - theirs.boxes) for theirs, ours in pairs),
        landmark=_listed(
            _furthest(ours.keypoints - theirs.keypoints)
            for theirs, ours in pairs
            if ours.keypoints is not None and theirs.keypoints is not None
        ),
        score=_listed(_furthest(ours.scores - theirs.scores) for theirs, ours in pairs),
        cosine=_listed([_lacking(found.theirs["unit"], found.ours["unit"])] if "unit" in found.ours else []),
    )


def _matched(theirs: Detections, ours: Detections) -> tuple[Detections, Detections]:
    first, second = match_faces(theirs, ours)
    return theirs.take(first), ours.take(second)


def _furthest(moves: Floats) -> NDArray[np.float64]:
    """The largest value of each row."""
    largest: NDArray[np.float64] = np.abs(moves.astype(np.float64)).max(axis=tuple(range(1, moves.ndim)), initial=0)
    return largest


def _lacking(theirs: Floats, ours: Floats) -> NDArray[np.float64]:
    """What the cosines of embeddings of length 1 lack from 1, from the distance: in float64 a product would lose it."""
    lacking: NDArray[np.float64] = ((theirs.astype(np.float64) - ours) ** 2).sum(axis=1) / 2
    return lacking


def _similarity(found: Sides) -> Similarity:
    if "cosines" not in found.ours:
        return Similarity((), (), ())
    return Similarity(tuple(found.faces), _matrix(found.theirs["cosines"]), _matrix(found.ours["cosines"]))


def _matrix(cosines: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, cosines.astype(np.float64).round(6).tolist()))


def _listed(parts: Iterable[NDArray[np.float64]]) -> tuple[float, ...]:
    return tuple(float(f"{value:.4g}") for part in parts for value in np.nan_to_num(part, nan=np.inf).tolist())
