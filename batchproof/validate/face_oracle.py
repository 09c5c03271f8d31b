"""The original that landmark and attribute networks are compared with: insightface itself, one face at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import InputError, StepFailedError, StepNotRunError
from batchproof.pipeline.decode import Floats
from batchproof.pipeline.mean_face import mean_shape
from batchproof.pipeline.nms import Boxes
from batchproof.pipeline.picture import Pixels
from batchproof.runtime import Blob, open_session
from batchproof.validate.oracle import Tap, require_insightface
from batchproof.zoo.families import LANDMARK_LAYOUTS
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class ObservedLandmarks:
    """What insightface's `Landmark` says of one face.

    `raw` is the network's output `[channels]`, `points` `[106, 2]` or `[68, 3]` in picture pixels, `pose` pitch, yaw
    and roll `[3]` in degrees, None for networks of two dimensions; all float32.
    """

    raw: Floats
    points: Floats
    pose: Floats | None


@dataclass(frozen=True)
class ObservedAttributes:
    """What insightface's `Attribute` says of one face: the network's output `[3]`, float32, gender, and whole years."""

    raw: Floats
    male: bool
    age: int


class OracleLandmarker:
    """insightface's `Landmark` on the original file, one face at a time, on ONNX Runtime's CPU provider."""

    def __init__(self, original: Path, spec: ModelSpec) -> None:
        """Open `original`, a network with the outputs of `spec`.

        Raises `MissingDependencyError` without insightface, `StepNotRunError` when 1k3d68 lacks the mean face that
        insightface reads its poses from, and `StepFailedError` for files that insightface does not take.
        """
        require_insightface()
        from insightface.model_zoo.landmark import Landmark

        if LANDMARK_LAYOUTS[spec.outputs[0].channels].dimensions == 3:
            _require_mean_face()
        self._session = _FiniteTap(original)
        self._network = _taken(Landmark, original, self._session)

    def observe(self, picture: Pixels, box: Boxes) -> ObservedLandmarks:
        """Find the points of the face in `box`, `[4]`, in picture pixels.

        Raises `StepFailedError` when the network gives NaN or Inf.
        """
        from insightface.app.common import Face

        face = Face(bbox=box)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # NumPy 1 asks insightface for the rcond of a least square
            points = self._network.get(picture, face)
        return ObservedLandmarks(self._session.results[0][0], points, face.pose)


class OracleAttributes:
    """insightface's `Attribute` on the original file, one face at a time, on ONNX Runtime's CPU provider."""

    def __init__(self, original: Path) -> None:
        """Open `original`; raises `MissingDependencyError` and `StepFailedError` as `OracleLandmarker` does."""
        require_insightface()
        from insightface.model_zoo.attribute import Attribute

        self._session = _FiniteTap(original)
        self._network = _taken(Attribute, original, self._session)

    def observe(self, picture: Pixels, box: Boxes) -> ObservedAttributes:
        """Judge the face in `box`, `[4]`, in picture pixels; raises like `OracleLandmarker.observe`."""
        from insightface.app.common import Face

        gender, age = self._network.get(picture, Face(bbox=box))
        return ObservedAttributes(self._session.results[0][0], bool(gender == 1), age)


class _FiniteTap(Tap):
    """Keeps copies, because insightface computes its points in the arrays that it is given.

    NaN and Inf, which end its arithmetic with an error here and with nonsense there, do not reach it.
    """

    def __init__(self, original: Path) -> None:
        super().__init__(open_session(original))
        self._original = original

    def run(self, names: Sequence[str], feed: Mapping[str, Blob]) -> Sequence[NDArray[np.float32]]:
        given = super().run(names, feed)
        self.results = [array.copy() for array in given]
        if not all(np.isfinite(array).all() for array in given):
            raise StepFailedError("gives insightface NaN or infinite values for a face", where=self._original)
        return given


def _taken(network: Callable[..., Any], original: Path, session: Tap) -> Any:
    """Open `original` by insightface's class; what it refuses, it refuses by an assertion or by failing on the way."""
    try:
        return network(str(original), session=session)
    except Exception as error:  # its constructors have no errors of their own: any may come
        reason = str(error) or "one of its assertions does not hold"
        raise StepFailedError(f"insightface does not take this file ({reason})", where=original) from error


def _require_mean_face() -> None:
    """Without it insightface prints a line, goes on, and fails at the first face."""
    try:
        mean_shape()
    except InputError as error:
        raise StepNotRunError(f"insightface gives no poses: {error.what}", where=error.where) from error
