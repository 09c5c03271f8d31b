"""Which network gets its input from whom."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.elements import NvInfer, Preprocess
from batchproof.deploy.lint.network import Network


def networks_of(bundle: Bundle) -> Iterator[tuple[NvInfer, Network]]:
    """Every nvinfer whose network could be read."""
    for element in bundle.nvinfers:
        if network := bundle.network(element):
            yield element, network


def cutting(bundle: Bundle) -> Iterator[tuple[NvInfer, Network]]:
    """Those that make their input themselves: what is prepared elsewhere is not normalised by them."""
    return ((element, network) for element, network in networks_of(bundle) if bundle.cuts_its_own(element))


def fed(bundle: Bundle) -> Iterator[tuple[Preprocess, Network]]:
    """Every nvdspreprocess with each network that it feeds."""
    for element in bundle.preprocesses:
        for target in bundle.targets_of(element):
            if isinstance(target, NvInfer) and (network := bundle.network(target)):
                yield element, network
