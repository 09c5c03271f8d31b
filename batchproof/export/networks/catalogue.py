"""Every architecture that can be built, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from batchproof.errors import InputError
from batchproof.export.networks import mobilefacenet, mobilefacenet_112, scrfd
from batchproof.zoo import families
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class Architecture:
    """A network's constructor and what the network promises."""

    build: Callable[[], nn.Module]
    spec: ModelSpec

    def skeleton(self) -> nn.Module:
        """Build without weights, on torch's `meta` device: milliseconds and no memory, for names and shapes alone."""
        with torch.device("meta"):
            return self.build()

    def filled(self, weights: Mapping[str, Tensor]) -> nn.Module:
        """Build with `weights`, in evaluation mode; they must be complete, as `recognise_checkpoint` finds them."""
        network = self.skeleton()
        network.load_state_dict(weights, strict=True, assign=True)
        return network.eval()


CATALOGUE: dict[str, Architecture] = {
    **{
        f"scrfd_{name}": Architecture(partial(scrfd.SCRFD, variant), families.scrfd(keypoints=variant.head.keypoints))
        for name, variant in scrfd.VARIANTS.items()
    },
    **{
        name: Architecture(partial(mobilefacenet.MobileFaceNet, variant), families.arcface(embedding=variant.embedding))
        for name, variant in mobilefacenet.VARIANTS.items()
    },
    "mobilefacenet_112": Architecture(
        mobilefacenet_112.MobileFaceNet112, families.arcface(embedding=mobilefacenet_112.EMBEDDING)
    ),
}


def architecture(name: str) -> Architecture:
    """Look an architecture up; raises `InputError` that lists the known ones."""
    if name not in CATALOGUE:
        raise InputError(f"no architecture '{name}'", remedy=f"Known are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
