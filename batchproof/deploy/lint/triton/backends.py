"""Backends and platforms as the core of the server knows them, and which it takes when a configuration names none."""

from __future__ import annotations

from collections.abc import Iterable

ENSEMBLE = "ensemble"
# By platform; of a backend that is not among them the server takes any platform.
PLATFORMS = {
    "tensorrt_plan": "tensorrt",
    "onnxruntime_onnx": "onnxruntime",
    "pytorch_libtorch": "pytorch",
    "torch_aoti": "pytorch",
    "tensorflow_graphdef": "tensorflow",
    "tensorflow_savedmodel": "tensorflow",
}
# The file of a version by which a backend is recognised, and which it opens when no other is named; first come.
FILES = {
    "model.savedmodel": "tensorflow",
    "model.graphdef": "tensorflow",
    "model.plan": "tensorrt",
    "model.onnx": "onnxruntime",
    "model.xml": "openvino",
    "model.pt": "pytorch",
    "model.pt2": "pytorch",
    "model.py": "python",
}


def backend_of(platform: str, backend: str, filename: str, present: Iterable[str]) -> str:
    """Return the backend that the server takes, from what is written and the files of a version; empty for none."""
    if backend or platform:
        return backend or (ENSEMBLE if platform == ENSEMBLE else PLATFORMS.get(platform, ""))
    if filename:
        return FILES.get(filename, "")
    found = set(present)
    return next((name for file, name in FILES.items() if file in found), "")


def default_file(backend: str) -> str | None:
    """Return the file that a backend opens in the folder of a version; None for one that is not known here."""
    return next((file for file, name in FILES.items() if name == backend), None) if backend != "tensorflow" else None
