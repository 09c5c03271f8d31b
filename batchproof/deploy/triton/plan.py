"""What a repository is made for: a target, a backend, its networks, and how `faces` is to work."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from batchproof.deploy.deployed_model import check_crop, check_names, require_landmarks
from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.serving import contract
from batchproof.deploy.triton.serving.parameters import Parameters
from batchproof.errors import InputError, first_few
from batchproof.profile import EngineProfiles
from batchproof.targets import Target, all_targets
from batchproof.zoo.families import LANDMARK_LAYOUTS

FAMILY = "triton"
Backend = Literal["tensorrt", "onnxruntime", "python"]
"""What executes the networks: engines, Triton's ONNX Runtime, or ONNX Runtime inside the Python backend."""

_MOST_INSTANCES = 64
# What of it no machine of ours has ever run. Rehearsals have something stand in for the backends that are named here.
_NEVER_RUN: dict[Backend, tuple[str, ...]] = {
    "tensorrt": ("the container", "the engines"),
    "onnxruntime": ("the container", "Triton's ONNX Runtime backend"),
    "python": ("the container",),
}


@dataclass(frozen=True)
class RepositoryPlan:
    """Everything that decides the text of a bundle.

    `frames` is the most that one batch of `faces` has, `instances` how many batches of it run at once. `files` are
    those that are copied into the bundle, by their path in it, with their sha256. Raises `InputError` for a plan that
    no repository can carry out.
    """

    target: Target
    pack: str
    backend: Backend
    detector: Network
    embedder: Network
    heads: tuple[Network, ...] = ()
    frames: int = 1
    instances: int = 2
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_target(self.target)
        self.target.check_container()
        require_landmarks(self.detector.model)
        self._check_numbers()
        self._check_outputs()
        for network in self.networks:
            _check_network(network)
            if self.on_gpu:
                self.target.check_engine(network.model.precision, network.model.profiles)

    @property
    def networks(self) -> tuple[Network, ...]:
        """All networks, the detector first."""
        return (self.detector, self.embedder, *self.heads)

    @property
    def on_gpu(self) -> bool:
        """Whether the networks are engines."""
        return self.backend == "tensorrt"

    @property
    def never_run(self) -> tuple[str, ...]:
        """What of such a bundle nobody here has run."""
        return _NEVER_RUN[self.backend]

    @property
    def parameters(self) -> Parameters:
        """What `faces` is configured with: insightface's values, and the size that the detector is tuned for."""
        height, width = self.detector.model.size
        return Parameters(height=height, width=width)

    @property
    def outputs(self) -> tuple[contract.ServedTensor, ...]:
        """What `faces` gives."""
        heads = ((head.model.name, head.model.spec) for head in self.heads)
        return contract.outputs(self.embedder.model.spec, heads)

    @property
    def version_compatible(self) -> bool:
        """Whether the server must be told that its engines are for later releases of TensorRT, too."""
        return any(network.version_compatible for network in self.networks)

    def _check_numbers(self) -> None:
        largest = self.detector.model.largest_batch
        if not 1 <= self.frames <= largest:
            what = f"{self.frames} frames in a batch, and {self.detector.model.name} takes 1 to {largest}"
            raise InputError(what, remedy=f"Name as many with --frames, or run again with --profile 1,{self.frames}")
        if not 1 <= self.instances <= _MOST_INSTANCES:
            what = f"{self.instances} instances of {contract.MODEL} are not 1 to {_MOST_INSTANCES}"
            raise InputError(what, remedy="Name as many as the processor has cores to spare, with --instances")

    def _check_outputs(self) -> None:
        """Outputs of `faces` have the names of landmark networks, and one network alone gives gender and age."""
        for head in self.heads:
            _check_head(head)
        names = [output.name for output in self.outputs]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            what = f"two models would give the same output of {contract.MODEL}: {first_few(twice)}"
            raise InputError(what, remedy="Leave one of them out of the pack")


def check_target(target: Target) -> None:
    """Raise `InputError` for a target that is no Triton."""
    if target.family != FAMILY:
        known = ", ".join(one.name for one in all_targets() if one.family == FAMILY)
        raise InputError(f"{target.name} is no Triton", remedy=f"Choose {known}")


def _check_head(head: Network) -> None:
    channels = head.model.spec.outputs[0].channels
    if head.model.spec.role == "landmarks" and channels not in LANDMARK_LAYOUTS:
        what = f"{head.model.name} gives {channels} values a face, and nobody knows which points they are"
        raise InputError(what, remedy=f"Leave it out of the pack; known are {', '.join(map(str, LANDMARK_LAYOUTS))}")


def _check_network(network: Network) -> None:
    model = network.model
    check_names(model)
    mean, std = model.spec.input.mean, model.spec.input.std
    if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
        what = f"{model.name} is normalised by mean {mean:g} and std {std:g}, which is no number to divide by"
        raise InputError(what, remedy="Export it again, or run again with a manifest that was not edited")
    if model.spec.role != "detector":
        check_crop(model)
    _check_batches(model.name, model.profiles)


def _check_batches(name: str, profiles: EngineProfiles) -> None:
    """The batcher makes batches of every size up to the largest, so each must fit a profile."""
    missing = (
        batch
        for batch in range(1, profiles.overall.maximum + 1)
        if not any(profile.minimum <= batch <= profile.maximum for profile in profiles)
    )
    batch = next(missing, None)
    if batch is not None:
        what = f"no profile of {name} takes batches of {batch}, and Triton sends all sizes up to the largest"
        raise InputError(what, remedy="Run again with a --profile that begins with 1, such as 1,16,32")
