"""How much shared memory the server needs: the Python backend passes every tensor of its models through it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.plan import RepositoryPlan
from batchproof.profile import Shape

_CHANNELS, _FLOAT = 3, 4  # bytes a pixel of a frame, and a value of a network
_MIB = 2**20
# Regions are cut into pieces that do not fit each other without gaps. Measured: 571 MiB where 564 were added up.
_TO_SPARE = 1.25


@dataclass(frozen=True)
class SharedMemory:
    """A size in MiB, and how it was computed."""

    mib: int
    origin: str


def shared_memory(plan: RepositoryPlan) -> SharedMemory:
    """Add up what can be on its way at once: all frames of all batches at their largest, and what the networks take."""
    frames = plan.instances * plan.frames * plan.parameters.max_pixels * _CHANNELS
    requests = plan.instances * max(_bytes(network, network.batching.request) for network in plan.networks)
    batches = sum(_bytes(network, network.model.largest_batch) for network in plan.networks if plan.backend == "python")
    in_python = f" + {_mib(batches)} MiB for the largest batch of each network" if batches else ""
    origin = (
        f"{plan.instances} instances x {plan.frames} frames x {plan.parameters.max_megapixels} megapixels x 3 bytes"
        f" = {_mib(frames)} MiB, + {_mib(requests)} MiB for their requests to networks{in_python}, and a quarter more"
    )
    return SharedMemory(_mib((frames + requests + batches) * _TO_SPARE), origin)


def _bytes(network: Network, batch: int) -> int:
    """Input and outputs of so many images, at the size that the network is tuned for."""
    profile, spec = network.model.profiles.overall, network.model.spec
    outputs = (profile.output_shapes(spec, output).optimum for output in spec.outputs)
    values = _values(profile.input_shapes(spec).optimum) + sum(map(_values, outputs))
    return batch * values * _FLOAT


def _values(shape: Shape) -> int:
    return math.prod(shape[1:])


def _mib(size: float) -> int:
    return math.ceil(size / _MIB)
