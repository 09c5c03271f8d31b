from __future__ import annotations

import pytest
import torch

from batchproof.export.networks.catalogue import CATALOGUE
from tests.export.networks.alive import alive


@pytest.mark.parametrize(
    ("name", "parameters", "keys"),
    [("mbf", 2_059_520, 333), ("mbf_large", 6_314_880, 606), ("mobilefacenet_112", 999_936, 307)],
)
def test_counts_are_those_of_the_published_checkpoints(name: str, parameters: int, keys: int) -> None:
    network = CATALOGUE[name].skeleton()
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert len(network.state_dict()) == keys


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("mbf", "layers.1.layers.0.weight", (128, 2, 3, 3)),
        ("mbf", "layers.3.layers.3.layers.2.layers.1.running_mean", (128,)),
        ("mbf", "layers.6.layers.1.layers.2.weight", (512,)),
        ("mbf", "features.2.weight", (512, 512)),
        ("mbf_large", "layers.1.layers.1.layers.0.layers.0.weight", (128, 256, 1, 1)),
        ("mobilefacenet_112", "features.12.conv.1.0.weight", (512, 1, 3, 3)),
    ],
)
def test_keys_are_those_of_the_published_checkpoints(name: str, key: str, shape: tuple[int, ...]) -> None:
    assert CATALOGUE[name].skeleton().state_dict()[key].shape == shape


@pytest.mark.parametrize("name", ["mbf", "mobilefacenet_112"])
def test_every_row_of_a_batch_is_its_single_run(name: str) -> None:
    torch.manual_seed(0)
    architecture = CATALOGUE[name]
    # In double precision, where rounding cannot be mistaken for an influence, nor an influence for rounding.
    network, faces = alive(architecture.build(), size=(112, 112)).double(), torch.rand(3, 3, 112, 112).double() * 2 - 1
    with torch.inference_mode():
        embeddings = network(faces)
        rows = torch.cat([network(face[None]) for face in faces])
    assert embeddings.shape == (3, architecture.spec.outputs[0].channels)
    assert (embeddings - rows).abs().max() < 1e-9
    assert (rows[0] - rows[1]).abs().max() > 1e-2
