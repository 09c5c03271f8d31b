"""A backend that stands in for TensorRT's or ONNX Runtime's: the network's ONNX file, by ONNX Runtime on the CPU.

It shows configuration, names, shapes and batching of a repository, and nothing of a plan, its precision or its speed.
A rehearsal copies it as `model.py` into the folder of the backend, and what it is made of beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import triton_python_backend_utils as pb_utils

if TYPE_CHECKING:
    from batchproof.deploy.triton.serving.network.model import TritonPythonModel as NetworkModel
else:
    # Beside this file: a model's process finds no batchproof that PYTHONPATH alone leads to.
    from onnx_network import TritonPythonModel as NetworkModel


class TritonPythonModel(NetworkModel):
    """What the backend calls."""

    def onnx_file(self, folder: Path, version: str) -> Path:
        """Say what runs: the ONNX file itself or, for a plan, the one in the bundle that it is built from."""
        own = super().onnx_file(folder, version)
        path = own if own.exists() else folder.parents[1] / "engines" / f"{folder.name}.onnx"
        pb_utils.Logger.log_warn(
            f"{folder.name}: backend {Path(__file__).parent.name} is a stand-in, ONNX Runtime on the CPU runs {path}"
        )
        return path
