"""The real models and pictures of the test data folder, as the surgery tests use them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx

from batchproof.runtime import Blob
from batchproof.zoo.spec import InputSpec

# Each with the largest difference from its original at batch 1. Forms B and C lose their fixed shapes, and with them
# the chance for ONNX Runtime to fuse the same nodes; form A and the embedder must not differ at all.
REAL_MODELS = {
    "det_2.5g": 0.0,
    "det_500m": 0.0,
    "scrfd_500m_bnkps_batch1": 1e-5,
    "scrfd_500m_kps_shapeop": 1e-5,
    "mobilefacenet_112_batch1": 0.0,
}

_PICTURES = ("solvay_conference_1927.png", "lumia.jpg", "Stallone.jpg")


def read(test_data: Path, name: str) -> onnx.ModelProto:
    return onnx.load(test_data / "models" / f"{name}.onnx")


def pictures(test_data: Path, spec: InputSpec, side: int = 640) -> Blob:
    """Three different pictures, squeezed to the input's size."""
    _, _, height, width = spec.shape(1, side, side)
    images = [cv2.imread(str(test_data / "images" / name)) for name in _PICTURES]
    resized = [cv2.resize(image, (width, height))[:, :, ::-1] for image in images]
    blob = (np.stack(resized).astype(np.float32) - spec.mean) / spec.std
    return np.ascontiguousarray(blob.transpose(0, 3, 1, 2), dtype=np.float32)
