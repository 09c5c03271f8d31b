"""insightface's own loop over pictures and faces: the one module that imports `FaceAnalysis`."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchproof.errors import StepFailedError, StepNotRunError
from batchproof.pipeline.picture import Pixels
from batchproof.profile_text import Size
from batchproof.runtime import CPU, thread_options
from batchproof.validate.oracle import require_insightface


class InsightfaceLoop:
    """`FaceAnalysis` on the original files of a detector and an embedder, on ONNX Runtime's CPU provider."""

    def __init__(self, detector: Path, embedder: Path, size: Size, threads: int | None, *, spin: bool) -> None:
        """Open both at `size` (height, width), or at the detector's own where its file fixes one.

        Raises `MissingDependencyError` without insightface, and `StepNotRunError` for models that it does not take for
        a detector and an embedder.
        """
        require_insightface()
        from insightface.app import FaceAnalysis

        with tempfile.TemporaryDirectory() as folder:
            for name, file in (("detector", detector), ("embedder", embedder)):
                Path(folder, f"{name}.onnx").symlink_to(file.absolute())
            try:
                self._loop = FaceAnalysis(folder, providers=[CPU], sess_options=thread_options(threads, spin=spin))
            except Exception as error:  # it asserts, and raises whatever its routing by shapes runs into
                raise StepNotRunError(f"insightface does not take these models ({_told(error)})") from error
            if "recognition" not in self._loop.models:
                raise StepNotRunError("insightface does not take the embedder for one")
            self._loop.prepare(0, det_size=(size[1], size[0]))
            # Opens the session of this size, which needs the file.
            self.run([np.zeros((size[0], size[1], 3), np.uint8)])

    @property
    def size(self) -> Size:
        """Height and width of the detector's input."""
        width, height = self._loop.det_model.input_size
        return int(height), int(width)

    def run(self, frames: Sequence[Pixels]) -> list[list[Any]]:
        """Find and describe the faces of each frame, one frame and one face at a time.

        Raises `StepFailedError` for whatever insightface raises about one.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # insightface calls what scikit-image is about to rename
            warnings.simplefilter("ignore", RuntimeWarning)  # an embedding of zeros, which the cosines tell
            try:
                return [self._loop.get(frame) for frame in frames]
            except Exception as error:  # those of NumPy, OpenCV and ONNX Runtime come through
                raise StepFailedError(f"insightface's loop fails ({_told(error)})") from error


def _told(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
