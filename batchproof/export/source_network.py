"""From where a model comes from to the network that is exported, whatever kind of source that is."""

from __future__ import annotations

from torch import nn

from batchproof.export.checkpoint import load_state_dict
from batchproof.export.mmdet.trained import trained_network
from batchproof.export.networks.catalogue import architecture
from batchproof.export.recovery.recover import recovered_network
from batchproof.export.seeded import seeded
from batchproof.zoo.pack import ConfiguredSource, NetworkSource, RecoveredSource, SeededSource


def network_of(source: NetworkSource) -> nn.Module:
    """Build the network of `source` with its weights, float32, in evaluation mode.

    Raises `InputError` when its files cannot be read, when the weights are no longer those of the architecture that
    was recognised, and when a file of its configuration is no longer the one that was read.
    """
    if isinstance(source, SeededSource):
        return seeded(source.architecture, source.seed)
    if isinstance(source, RecoveredSource):
        return recovered_network(source.path, source.architecture)
    if isinstance(source, ConfiguredSource):
        return trained_network(source)
    return architecture(source.architecture).filled(load_state_dict(source.path))
