"""What a person or a program reads of an outcome: one line of JSON for each picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from batchproof.deploy.triton.client.driving import Outcome
from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.errors import printable

# Digits that bring back the same float32, whatever it was.
_DIGITS = 9


def name_of(picture: Path) -> str:
    """Return the name under which a picture stands in the lines: its path as it was given."""
    return printable(str(picture))


def line(outcome: Outcome[Path, ServedFaces], embeddings: str) -> str:
    """Write one outcome; `embeddings` says which of them, if any, the faces have. NaN is no answer, so none is here."""
    about: dict[str, Any] = {"picture": name_of(outcome.item), "milliseconds": round(outcome.milliseconds, 1)}
    told: dict[str, Any]
    if outcome.answer is None:
        told = {"error": outcome.error.line() if outcome.error else "no answer"}
    else:
        told = {"embeddings": embeddings, "faces": _faces(outcome.answer)}
    return json.dumps(about | told, allow_nan=False)


def _faces(faces: ServedFaces) -> list[dict[str, Any]]:
    return [_face(faces, index) for index in range(len(faces))]


def _face(faces: ServedFaces, index: int) -> dict[str, Any]:
    embeddings = faces.embeddings if faces.normed_embeddings is None else faces.normed_embeddings
    face: dict[str, Any] = {
        "box": _numbers(faces.boxes[index]),
        "score": _short(float(faces.scores[index])),
        "keypoints": _numbers(faces.keypoints[index]),
    }
    if embeddings is not None:
        face["embedding"] = _numbers(embeddings[index])
    if faces.landmarks:
        face["landmarks"] = {name: _numbers(points[index]) for name, points in faces.landmarks.items()}
    if faces.male is not None:
        face["male"] = bool(faces.male[index])
    if faces.ages is not None:
        face["age"] = int(faces.ages[index])
    return face


def _numbers(values: NDArray[Any]) -> list[Any]:
    """Nested as the array is."""
    if values.ndim > 1:
        return [_numbers(row) for row in values]
    return [_short(value) for value in values.tolist()]


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
