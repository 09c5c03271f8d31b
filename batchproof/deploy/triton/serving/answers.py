"""From the faces of n frames to the arrays that a request asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchproof.deploy.triton.serving import contract
from batchproof.deploy.triton.serving.contract import ServedTensor
from batchproof.deploy.triton.serving.pipeline_file import ServedPipeline
from batchproof.pipeline.face_pipeline import Faces

Answer = dict[str, NDArray[Any]]
"""Outputs by their names, one row a frame."""
_Column = Callable[[Faces], Any]

_DTYPES = {"BOOL": np.bool_, "INT32": np.int32, "FP32": np.float32}


class AnswerSheet:
    """The outputs of one pipeline, and where in its faces each is found."""

    def __init__(self, pipeline: ServedPipeline) -> None:
        heads = [(head.name, head.spec) for head in pipeline.heads]
        self._tensors = {tensor.name: tensor for tensor in contract.outputs(pipeline.embedder.spec, heads)}
        self._columns = _columns(pipeline)

    def fill(self, faces: Sequence[Faces], wanted: Collection[str]) -> Answer:
        """Return the `wanted` outputs for the frames of one request, padded with zeros to its most crowded frame."""
        return {name: self._output(name, faces) for name in wanted}

    def _output(self, name: str, faces: Sequence[Faces]) -> NDArray[Any]:
        if name == contract.NUM_FACES.name:
            return np.array([[len(found)] for found in faces], np.int32)
        return _padded([self._columns[name](found) for found in faces], self._tensors[name])


def _padded(rows: Sequence[NDArray[Any]], tensor: ServedTensor) -> NDArray[Any]:
    largest = max(len(row) for row in rows)
    padded: NDArray[Any] = np.zeros((len(rows), largest, *tensor.dims[1:]), _DTYPES[tensor.data_type])
    for place, row in zip(padded, rows, strict=True):
        place[: len(row)] = row
    return padded


def _columns(pipeline: ServedPipeline) -> dict[str, _Column]:
    """What one frame's faces say under each name of the contract."""
    raw, normed = contract.embeddings(pipeline.embedder.spec.outputs[0].channels)
    columns: dict[str, _Column] = {
        contract.BOXES.name: attrgetter("detections.boxes"),
        contract.SCORES.name: attrgetter("detections.scores"),
        contract.KEYPOINTS.name: attrgetter("detections.keypoints"),
        raw.name: attrgetter("embeddings"),
        normed.name: attrgetter("normed_embeddings"),
        contract.MALE.name: attrgetter("attributes.male"),
        contract.AGES.name: attrgetter("attributes.age"),
    }
    for index, head in enumerate(pipeline.landmarkers):
        columns[contract.landmarks(head.name, head.spec).name] = _points(index)
    return columns


def _points(index: int) -> _Column:
    return lambda faces: faces.landmarks[index]
