"""One network by ONNX Runtime on the CPU, inside Triton's Python backend.

Lies in the repository as it is, beside `model.onnx`, and needs nothing else of batchproof.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray


class TritonPythonModel:
    """What the backend calls."""

    @staticmethod
    def auto_complete_config(auto_complete_model_config: Any) -> Any:
        """Leave the configuration as it is written."""
        return auto_complete_model_config

    def initialize(self, args: dict[str, str]) -> None:
        """Open the network; what is wrong with it becomes the reason why the model is unavailable."""
        config = json.loads(args["model_config"])
        path = self.onnx_file(Path(args["model_repository"]), args["model_version"])
        self._session = _session(path, _threads(config))
        _check_names(path, "input", config, self._session.get_inputs())
        _check_names(path, "output", config, self._session.get_outputs())
        self._input = self._session.get_inputs()[0].name

    def onnx_file(self, folder: Path, version: str) -> Path:
        """Say where the network lies; `folder` is the model's in the repository."""
        return folder / version / "model.onnx"

    def execute(self, requests: list[Any]) -> list[Any]:
        """Run the images of all requests at once; when that fails, each request alone gets its answer or its error."""
        images = [pb_utils.get_input_tensor_by_name(request, self._input).as_numpy() for request in requests]
        wanted = [list(request.requested_output_names()) for request in requests]
        try:
            return self._answers(images, wanted)
        except Exception as error:  # ONNX Runtime's own classes are undocumented direct children of it
            if len(requests) == 1:
                return [_refusal(error)]
        return [self._alone(own, names) for own, names in zip(images, wanted, strict=True)]

    def _alone(self, images: NDArray[Any], wanted: list[str]) -> Any:
        try:
            return self._answers([images], [wanted])[0]
        except Exception as error:  # as above
            return _refusal(error)

    def _answers(self, images: Sequence[NDArray[Any]], wanted: Sequence[list[str]]) -> list[Any]:
        names = sorted({name for own in wanted for name in own})
        found = self._session.run(names, {self._input: np.concatenate(images)})
        outputs = dict(zip(names, found, strict=True))
        borders = accumulate((len(own) for own in images), initial=0)
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor(name, outputs[name][start:stop]) for name in own])
            for own, (start, stop) in zip(wanted, pairwise(borders), strict=True)
        ]


def _session(path: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait without spinning leave the cores to the other models.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # see execute
        raise pb_utils.TritonModelException(f"{path}: ONNX Runtime cannot load this network ({error})") from error


def _threads(config: dict[str, Any]) -> int:
    """Threads of one run; 0 lets ONNX Runtime choose."""
    text = config.get("parameters", {}).get("threads", {"string_value": "0"})["string_value"]
    if not text.isdecimal():
        raise pb_utils.TritonModelException(f"parameter 'threads' is '{text}'. Give a whole number, 0 or more.")
    return int(text)


def _check_names(path: Path, kind: str, config: dict[str, Any], found: Sequence[Any]) -> None:
    configured, present = {tensor["name"] for tensor in config[kind]}, {tensor.name for tensor in found}
    if configured != present:
        have, expect = ", ".join(sorted(present)), ", ".join(sorted(configured))
        raise pb_utils.TritonModelException(
            f"{path}: {kind}s are called {have}, config.pbtxt says {expect}. Deploy the repository again."
        )


def _refusal(error: Exception) -> Any:
    sentence = (str(error).strip() or type(error).__name__).splitlines()[0]
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"ONNX Runtime cannot run this batch ({sentence})"))
