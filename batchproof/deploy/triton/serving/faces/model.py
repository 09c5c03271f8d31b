"""The model `faces` of Triton's Python backend: frames in, everything about their faces out.

Lies in the repository as it is, beside `pipeline.json` and a copy of the modules of batchproof that it needs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import triton_python_backend_utils as pb_utils

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from batchproof.deploy.triton.serving.answers import Answer
    from batchproof.deploy.triton.serving.service import FaceService, Request
    from batchproof.errors import BatchproofError

_HERE = Path(__file__).parent


class TritonPythonModel:
    """What the backend calls."""

    @staticmethod
    def auto_complete_config(auto_complete_model_config: Any) -> Any:
        """Leave the configuration as it is written."""
        return auto_complete_model_config

    def initialize(self, args: dict[str, str]) -> None:
        """Read parameters and pipeline; what is wrong with them becomes the reason why the model is unavailable."""
        # The copy, and not a batchproof that somebody has installed in the server.
        sys.path.insert(0, str(_HERE))
        from batchproof.errors import BatchproofError

        try:
            self._service = _service(json.loads(args["model_config"]))
        except BatchproofError as error:
            raise pb_utils.TritonModelException(error.line()) from error

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer all requests of a batch, each with its outputs or an error of its own."""
        answers = self._service.serve([_request(request) for request in requests])
        return [_response(answer) for answer in answers]


def _service(config: dict[str, Any]) -> FaceService:
    from batchproof.deploy.triton.serving.contract import PIPELINE_FILE
    from batchproof.deploy.triton.serving.network_runner import NetworkRunner
    from batchproof.deploy.triton.serving.parameters import read_parameters
    from batchproof.deploy.triton.serving.pipeline_file import read_pipeline

    parameters = read_parameters(config)
    # OpenCV reads this when it is loaded, and refuses by the header: a file of 3 MB can hold gigabytes of pixels.
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(parameters.max_pixels)
    import batchproof
    from batchproof.deploy.triton.serving.service import face_service

    pipeline = read_pipeline(_HERE / PIPELINE_FILE)
    pb_utils.Logger.log_info(f"{config['name']}: batchproof {batchproof.__version__} of {batchproof.__file__}")
    return face_service(pipeline, parameters, lambda network: NetworkRunner(network, pb_utils))


def _request(request: Any) -> Request:
    from batchproof.deploy.triton.serving.contract import FRAME, IMAGE
    from batchproof.deploy.triton.serving.service import Request

    return Request(_array(request, FRAME.name), _array(request, IMAGE.name), request.requested_output_names())


def _array(request: Any, name: str) -> NDArray[Any] | None:
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return None if tensor is None else tensor.as_numpy()


def _response(answer: Answer | BatchproofError) -> Any:
    from batchproof.errors import BatchproofError, InputError

    if isinstance(answer, BatchproofError):
        code = pb_utils.TritonError.INVALID_ARG if isinstance(answer, InputError) else pb_utils.TritonError.INTERNAL
        return pb_utils.InferenceResponse(error=pb_utils.TritonError(answer.line(), code))
    return pb_utils.InferenceResponse([pb_utils.Tensor(name, array) for name, array in answer.items()])
