"""A network of the same server as a runner of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchproof.deploy.triton.serving.pipeline_file import Network
from batchproof.errors import StepFailedError
from batchproof.runtime import Blob, Outputs


@dataclass(frozen=True)
class NetworkRunner:
    """Asks a model of the server that this runs in; `triton` is its module `triton_python_backend_utils`.

    Such requests meet those of other instances in the model's own dynamic batcher.
    """

    network: Network
    triton: Any

    @property
    def name(self) -> str:
        """Name the model."""
        return f"triton, model {self.network.model}"

    def infer(self, images: Blob) -> Outputs:
        """Run one batch; raises `StepFailedError` with the server's sentence when the model gives no answer."""
        names = [output.name for output in self.network.spec.outputs]
        request = self.triton.InferenceRequest(
            model_name=self.network.model,
            requested_output_names=names,
            inputs=[self.triton.Tensor(self.network.spec.input.name, images)],
            # Outputs of a model on a GPU are needed here, and this has no CUDA.
            preferred_memory=self.triton.PreferredMemory(self.triton.TRITONSERVER_MEMORY_CPU, 0),
        )
        try:
            response = request.exec()
        except self.triton.TritonModelException as error:
            raise self._failed(str(error)) from error
        if response.has_error():
            raise self._failed(response.error().message())
        return {name: self.triton.get_output_tensor_by_name(response, name).as_numpy() for name in names}

    def _failed(self, sentence: str) -> StepFailedError:
        return StepFailedError(sentence, where=f"model '{self.network.model}'")
