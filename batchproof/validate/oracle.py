"""The original that everything is compared with: insightface itself. The one module that imports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import InputError, MissingDependencyError
from batchproof.pipeline.decode import Detections, DetectionSettings
from batchproof.pipeline.picture import Pixels
from batchproof.runtime import Blob, Outputs, open_session
from batchproof.zoo.published import INSIGHTFACE_VERSION
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class Observation:
    """What insightface did with one picture.

    `blob` is the input `[1, 3, height, width]` it made, `outputs` the raw outputs under the spec's names, each
    `[1, rows, channels]`, `detections` its answer in picture pixels.
    """

    blob: Blob
    outputs: Outputs
    detections: Detections


class OracleDetector:
    """insightface's `SCRFD` on the original file, one picture at a time, on ONNX Runtime's CPU provider."""

    def __init__(self, original: Path, spec: ModelSpec) -> None:
        """Open `original`; `spec` gives the outputs their names, in the order that insightface assumes.

        Raises `MissingDependencyError` without insightface, `InputError` for files that it does not take.
        """
        require_insightface()
        from insightface.model_zoo.scrfd import SCRFD

        self._spec = spec
        self._session = _Tap(open_session(original))
        # One session for all sizes (insightface's compatibility mode), so that what passes through it can be read.
        self._detector = SCRFD(str(original), session=self._session, static_shape_sessions=False)
        if len(self._detector.output_names) != len(spec.outputs):
            found = f"{len(self._detector.output_names)} outputs, expected {len(spec.outputs)}"
            raise InputError(f"not the original of a {spec.family} model: {found}", where=original)

    @property
    def own_size(self) -> tuple[int, int] | None:
        """Height and width that the original file fixes, or None when it takes any."""
        size = self._detector.static_input_size
        return None if size is None else (size[1], size[0])

    def observe(self, picture: Pixels, settings: DetectionSettings) -> Observation:
        """Detect at exactly `settings.height` x `settings.width`, or at `own_size` where the file fixes it."""
        self._detector.nms_thresh = settings.iou
        found, keypoints = self._detector.detect(
            picture, input_size=(settings.width, settings.height), det_thresh=settings.threshold
        )
        raw = {
            output.name: array.reshape(1, -1, output.channels)
            for output, array in zip(self._spec.outputs, self._session.results, strict=True)
        }
        return Observation(self._session.blob, raw, Detections(found[:, :4], found[:, 4], keypoints))


class OracleEmbedder:
    """insightface's `ArcFaceONNX` on the original file, one crop at a time, on ONNX Runtime's CPU provider."""

    def __init__(self, original: Path) -> None:
        """Open `original`; raises `MissingDependencyError` without insightface, `InputError` for unusable files."""
        require_insightface()
        from insightface.model_zoo.arcface_onnx import ArcFaceONNX

        self._embedder = ArcFaceONNX(str(original), session=open_session(original))

    def embed(self, crop: Pixels) -> NDArray[np.float32]:
        """Return the embedding `[channels]`, float32, not normalised, of a BGR crop of the network's own size."""
        embedding: NDArray[np.float32] = self._embedder.get_feat(crop).ravel()
        return embedding


class _Tap:
    """The ONNX Runtime session that insightface is given; keeps the last input and outputs that passed."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.blob: Blob = np.empty((0, 3, 0, 0), np.float32)
        self.results: Sequence[NDArray[np.float32]] = ()

    def run(self, names: Sequence[str], feed: Mapping[str, Blob]) -> Sequence[NDArray[np.float32]]:
        (self.blob,) = feed.values()
        self.results = self._session.run(names, feed)
        return self.results

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def require_insightface() -> None:
    """Raise `MissingDependencyError` unless the pinned insightface is installed."""
    try:
        found = metadata.version("insightface")
    except metadata.PackageNotFoundError as error:
        raise MissingDependencyError.for_extra("insightface", "validate") from error
    if found != INSIGHTFACE_VERSION:
        remedy = f"Parity needs one fixed original: python -m pip install insightface=={INSIGHTFACE_VERSION}"
        raise MissingDependencyError(f"insightface {found} is installed, not {INSIGHTFACE_VERSION}", remedy=remedy)
