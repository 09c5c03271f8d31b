"""A SCRFD of the user's own: its numbers from an mmdet configuration, its weights from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from batchproof.errors import InputError
from batchproof.export.checkpoint import Checkpoint, read_checkpoint
from batchproof.export.deviations import Shapes, deviations
from batchproof.export.mmdet.config import Configured, read_config
from batchproof.export.networks.catalogue import Architecture
from batchproof.export.networks.scrfd import SCRFD


def check_trained(config: Path, checkpoint: Path) -> tuple[Configured, Checkpoint]:
    """Read both files; the weights fill the network of the configuration exactly.

    Raises `InputError` as `read_config` and `read_checkpoint` do, and with the entries that differ when they do not.
    """
    configured, read = read_config(config), read_checkpoint(checkpoint)
    wanted = _shapes(architecture_of(configured).skeleton().state_dict())
    if difference := deviations(wanted, _shapes(read.weights)):
        what = f"does not fit the network of {config.name}: {difference}"
        raise InputError(what, where=checkpoint, remedy="Name the configuration that it was trained with")
    return configured, read


def trained_network(config: Path, checkpoint: Path) -> nn.Module:
    """Build the network of `config` with the weights of `checkpoint`, float32, in evaluation mode.

    Raises `InputError` as `check_trained` does.
    """
    configured, read = check_trained(config, checkpoint)
    return architecture_of(configured).filled(read.weights)


def architecture_of(configured: Configured) -> Architecture:
    """Return the constructor of the configured network, and what the network promises."""
    return Architecture(partial(SCRFD, configured.variant), configured.spec)


def _shapes(weights: Mapping[str, Tensor]) -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in weights.items()}
