"""A SCRFD of the user's own: its numbers from an mmdet configuration, its weights from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import prod
from pathlib import Path

from torch import Tensor, nn

from batchproof.errors import InputError
from batchproof.export.checkpoint import Checkpoint, read_checkpoint
from batchproof.export.deviations import Shapes, deviations
from batchproof.export.mmdet.config import Configured, read_config
from batchproof.export.mmdet.validated import refused
from batchproof.export.networks.catalogue import Architecture
from batchproof.export.networks.scrfd import SCRFD
from batchproof.zoo.pack import ConfiguredSource

LARGEST_NETWORK = 2**28  # weights, 1 GiB of them; the largest published detector has 10 million


def check_trained(config: Path, checkpoint: Path) -> tuple[Configured, Checkpoint]:
    """Read both files; the weights fill the network of the configuration exactly.

    Raises `InputError` as `read_config` and `read_checkpoint` do, for a network of more than `LARGEST_NETWORK` weights
    before anything of its size is in memory, and with the entries that differ when they do not fit.
    """
    configured = read_config(config)
    return configured, _fitting(configured, checkpoint)


def trained_network(source: ConfiguredSource) -> nn.Module:
    """Build the network of `source`, float32, in evaluation mode.

    Raises `InputError` as `check_trained` does, and when a file of the configuration has changed since it was
    recognised: what was said of the model then would not be true of this network.
    """
    configured = read_config(source.configs[0].path)
    if changed := {*configured.files} ^ {*source.configs}:
        where = min(file.path for file in changed)
        raise InputError("has changed since the model was recognised", where=where, remedy="Start again")
    return architecture_of(configured).filled(_fitting(configured, source.path).weights)


def _fitting(configured: Configured, checkpoint: Path) -> Checkpoint:
    config = configured.files[0].path
    wanted = _wanted(configured, config)
    read = read_checkpoint(checkpoint)
    if difference := deviations(wanted, _shapes(read.weights)):
        what = f"does not fit the network of {config.name}: {difference}"
        raise InputError(what, where=checkpoint, remedy="Name the configuration that it was trained with")
    return read


def architecture_of(configured: Configured) -> Architecture:
    """Return the constructor of the configured network, and what the network promises."""
    return Architecture(partial(SCRFD, configured.variant), configured.spec)


def _wanted(configured: Configured, config: Path) -> Shapes:
    """Take names and shapes from a network that occupies no memory."""
    wanted = _shapes(architecture_of(configured).skeleton().state_dict())
    if (size := sum(map(prod, wanted.values()))) > LARGEST_NETWORK:
        raise refused(f"it describes a network of {size} weights, more than {LARGEST_NETWORK}", config)
    return wanted


def _shapes(weights: Mapping[str, Tensor]) -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in weights.items()}
