"""The faces of one frame as the server gives them, and how an answer for n frames becomes n of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from batchproof.deploy.triton.client.faults import UnreadableAnswerError
from batchproof.deploy.triton.client.transport.protocol import Array
from batchproof.deploy.triton.serving import contract

Floats = NDArray[np.float32]

LANDMARKS = "landmarks_"
"""What the names of the landmark networks' outputs begin with."""


@dataclass(frozen=True)
class ServedFaces:
    """The n faces of one frame, in the server's order; row i of everything is about face i.

    `boxes` `[n, 4]` (left, top, right, bottom), `scores` `[n]`, `keypoints` `[n, 5, 2]`, `embeddings` and
    `normed_embeddings` `[n, channels]`, `landmarks` `[n, points, 2 or 3]` by the network's name, all float32, points in
    pixels of the frame; `male` `[n]`, bool, and `ages` `[n]`, int32. None is what nobody asked for or nobody serves.
    """

    boxes: Floats
    scores: Floats
    keypoints: Floats
    embeddings: Floats | None = None
    normed_embeddings: Floats | None = None
    landmarks: Mapping[str, Floats] = field(default_factory=dict)
    male: NDArray[np.bool_] | None = None
    ages: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        """Count the faces."""
        return len(self.scores)


def split(outputs: Mapping[str, Array], frames: int) -> list[ServedFaces]:
    """Divide the outputs of one request of so many frames; what pads a row is left out.

    Raises `UnreadableAnswerError` when counts and rows do not fit each other, or a number is not finite.
    """
    counts = outputs[contract.NUM_FACES.name]
    if counts.shape != (frames, 1):
        raise UnreadableAnswerError(f"{frames} frames were sent, the counts of faces have shape {list(counts.shape)}")
    rows = {name: values for name, values in outputs.items() if name != contract.NUM_FACES.name}
    for name, values in rows.items():
        _require_rows(name, values, frames, int(counts.max(initial=0)))
    return [_one(rows, frame, int(count)) for frame, count in enumerate(counts[:, 0])]


def _require_rows(name: str, values: Array, frames: int, most_faces: int) -> None:
    if values.ndim < 2 or len(values) != frames or values.shape[1] < most_faces:
        told = f"output {name} has shape {list(values.shape)}, for {frames} frames of up to {most_faces} faces"
        raise UnreadableAnswerError(told)
    if not np.isfinite(values).all():
        raise UnreadableAnswerError(f"output {name} holds numbers that are not finite")


def _one(rows: Mapping[str, Array], frame: int, count: int) -> ServedFaces:
    own = {name: values[frame, :count] for name, values in rows.items()}
    landmarks = {name.removeprefix(LANDMARKS): own.pop(name) for name in tuple(own) if name.startswith(LANDMARKS)}
    return ServedFaces(**own, landmarks=landmarks)
