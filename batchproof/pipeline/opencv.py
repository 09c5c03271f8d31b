"""The one place that imports OpenCV."""

from __future__ import annotations

from batchproof.errors import MissingDependencyError

try:
    import cv2
except ImportError as error:
    raise MissingDependencyError.for_extra("opencv-python", "validate") from error

__all__ = ["SILENT", "cv2", "set_log_level"]

SILENT = 0


def set_log_level(level: int) -> int:
    """Say how much OpenCV writes to stderr by itself, and return how much that was before."""
    # OpenCV 5 has moved it, and 4 has it nowhere else.
    logging = cv2.utils.logging if hasattr(cv2.utils, "logging") else cv2
    return int(logging.setLogLevel(level))
