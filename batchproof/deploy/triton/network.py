"""One network of a repository: what is deployed, its tensors, and how it is batched."""

from __future__ import annotations

from dataclasses import dataclass

from batchproof.deploy.deployed_model import DeployedModel
from batchproof.deploy.triton.batching import Batching, from_profile
from batchproof.deploy.triton.tensors import NetworkTensors, promised_tensors


@dataclass(frozen=True)
class Network:
    """A model with what its configuration says of it.

    `tensors_from` says where names, types and sizes were read. `threads` are those that ONNX Runtime computes with on
    the processor, 0 for its own choice. `version_compatible` is how its engine will have been built.
    """

    model: DeployedModel
    tensors: NetworkTensors
    tensors_from: str
    batching: Batching
    threads: int = 0
    version_compatible: bool = False

    @classmethod
    def of_spec(cls, model: DeployedModel) -> Network:
        """Describe a network of which there is no file."""
        tensors = promised_tensors(model.spec, model.profiles)
        return cls(model, tensors, "its spec", from_profile(model.profiles.overall))
