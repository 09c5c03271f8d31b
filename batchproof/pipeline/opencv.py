"""The one place that imports OpenCV."""

from __future__ import annotations

from batchproof.errors import MissingDependencyError

try:
    import cv2
except ImportError as error:
    raise MissingDependencyError.for_extra("opencv-python", "validate") from error

__all__ = ["cv2"]
