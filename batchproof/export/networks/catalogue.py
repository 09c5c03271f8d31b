"""Every architecture that can be built, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from batchproof.errors import InputError, first_few
from batchproof.export.networks import (
    adaface,
    iresnet,
    mobilefacenet,
    mobilefacenet_112,
    mobilefacenet_may_2021,
    scrfd,
    vit,
)
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
        """Build with `weights`, in evaluation mode; they must be complete, as `recognise_checkpoint` finds them.

        Raises `InputError` for whole numbers where the network has weights.
        """
        network = self.skeleton()
        wanted = network.state_dict()
        whole = [key for key, tensor in weights.items() if wanted[key].is_floating_point() > tensor.is_floating_point()]
        if whole:
            raise InputError(f"weights are whole numbers: {first_few(whole)}", remedy="Take the trained checkpoint")
        network.load_state_dict(weights, strict=True, assign=True)
        return network.eval()


def _detector(variant: scrfd.Variant) -> Architecture:
    head = variant.head
    spec = families.scrfd(keypoints=head.keypoints, strides=head.strides, anchors_per_cell=head.anchors)
    return Architecture(partial(scrfd.SCRFD, variant), spec)


def _embedder(build: Callable[[], nn.Module], embedding: int) -> Architecture:
    return Architecture(build, families.arcface(embedding=embedding))


CATALOGUE: dict[str, Architecture] = {
    **{f"scrfd_{name}": _detector(variant) for name, variant in scrfd.VARIANTS.items()},
    **{
        name: _embedder(partial(iresnet.IResNet, blocks), iresnet.EMBEDDING)
        for name, blocks in iresnet.VARIANTS.items()
    },
    **{
        name: _embedder(partial(vit.VisionTransformer, variant), vit.EMBEDDING)
        for name, variant in vit.VARIANTS.items()
    },
    **{
        name: Architecture(partial(adaface.AdaFace, blocks), families.adaface(embedding=adaface.EMBEDDING))
        for name, blocks in adaface.VARIANTS.items()
    },
    **{
        name: _embedder(partial(mobilefacenet.MobileFaceNet, variant), variant.embedding)
        for name, variant in mobilefacenet.VARIANTS.items()
    },
    "mbf_may_2021": _embedder(mobilefacenet_may_2021.MobileFaceNetMay2021, mobilefacenet_may_2021.EMBEDDING),
    "mobilefacenet_112": _embedder(mobilefacenet_112.MobileFaceNet112, mobilefacenet_112.EMBEDDING),
}


def architecture(name: str) -> Architecture:
    """Look an architecture up; raises `InputError` that lists the known ones."""
    if name not in CATALOGUE:
        raise InputError(f"no architecture '{name}'", remedy=f"Known are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
