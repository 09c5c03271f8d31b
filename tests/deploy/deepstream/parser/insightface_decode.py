"""insightface's own decoding of given raw outputs: its `SCRFD` on a session that only replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from insightface.model_zoo.scrfd import SCRFD
from numpy.typing import NDArray

from batchproof.pipeline.decode import Detections
from batchproof.zoo.spec import ModelSpec

Outputs = Mapping[str, NDArray[np.generic]]


class ReplayedScrfd:
    """`SCRFD.detect` at the size of the network, so that it scales nothing, and without a network."""

    def __init__(self, spec: ModelSpec, width: int, height: int) -> None:
        self._session = _Replay(spec)
        self._canvas = np.zeros((height, width, 3), np.uint8)
        self._detector = SCRFD(None, session=self._session, static_shape_sessions=False)
        blob = np.zeros((1, 3, height, width), np.float32)
        # Making the input is no part of decoding.
        self._detector._prepare_input_blob = lambda picture, size: blob

    def detect(self, outputs: Outputs, threshold: float = 0.5, iou: float = 0.4) -> Detections:
        """Decode one frame, `[rows, channels]` each, in pixels of the network; half values are widened first."""
        self._session.results = [values[None] for values in outputs.values()]
        return self.detect_again(threshold, iou)

    def detect_again(self, threshold: float = 0.5, iou: float = 0.4) -> Detections:
        """Decode the frame of the last call once more."""
        self._detector.nms_thresh = iou
        height, width = self._canvas.shape[:2]
        found, keypoints = self._detector.detect(self._canvas, input_size=(width, height), det_thresh=threshold)
        return Detections(found[:, :4], found[:, 4], keypoints)


class _Replay:
    """As much of an ONNX Runtime session as `SCRFD` asks for."""

    def __init__(self, spec: ModelSpec) -> None:
        self._outputs = [SimpleNamespace(name=each.name, shape=["N", "rows", each.channels]) for each in spec.outputs]
        self.results: Sequence[NDArray[np.generic]] = ()

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="input", shape=["N", 3, "H", "W"], type="tensor(float)")]

    def get_outputs(self) -> list[Any]:
        return self._outputs

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        return {}

    def run(self, names: Sequence[str], feed: Mapping[str, object]) -> list[NDArray[np.float32]]:
        return [values.astype(np.float32, copy=False) for values in self.results]
