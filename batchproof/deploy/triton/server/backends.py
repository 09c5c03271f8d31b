"""The backends that a server is started with."""

from __future__ import annotations

import shutil
from pathlib import Path

from batchproof.deploy.triton.server.installation import Installation
from batchproof.deploy.triton.serving.sources import network_source

STAND_INS = ("tensorrt", "onnxruntime")
"""What the wheel has no backend for."""


def lay_backends(folder: Path, installation: Installation, *, stand_ins: bool) -> None:
    """Fill `folder`: the Python backend with its stub and, with `stand_ins`, what stands in for the others."""
    python = folder / "python"
    python.mkdir(parents=True)
    for file in installation.python_backend:
        shutil.copy2(file, python)
    for name in STAND_INS if stand_ins else ():
        backend = folder / name
        backend.mkdir()
        shutil.copyfile(Path(__file__).with_name("stand_in_model.py"), backend / "model.py")
        (backend / "onnx_network.py").write_text(network_source(), encoding="utf-8")
