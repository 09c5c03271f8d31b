from __future__ import annotations

import pytest
import torch

from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.seeded import seeded
from tests.export.networks import official
from tests.export.networks.independent import assert_rows_are_single_runs

# Of mbf_w600k no checkpoint is published: its counts are those of the network that fits its ONNX file.
COUNTS = {
    "mbf": (2_059_520, 333),
    "mbf_july_2021": (1_200_512, 333),
    "mbf_w600k": (3_410_368, 335),
    "mbf_large": (6_314_880, 606),
    "mbf_may_2021": (1_200_512, 333),
    "mobilefacenet_112": (999_936, 307),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_those_of_the_published_checkpoints(name: str) -> None:
    network = CATALOGUE[name].skeleton()
    assert (sum(each.numel() for each in network.parameters()), len(network.state_dict())) == COUNTS[name]


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("mbf", "layers.1.layers.0.weight", (128, 2, 3, 3)),
        ("mbf", "layers.3.layers.3.layers.2.layers.1.running_mean", (128,)),
        ("mbf", "layers.6.layers.1.layers.2.weight", (512,)),
        ("mbf", "features.layers.0.layers.0.weight", (512, 1, 7, 7)),
        ("mbf", "features.layers.2.weight", (512, 512)),
        ("mbf", "features.layers.3.running_var", (512,)),
        ("mbf_july_2021", "layers.1.layers.0.weight", (64, 1, 3, 3)),
        ("mbf_july_2021", "layers.4.layers.2.layers.0.weight", (128, 256, 1, 1)),
        ("mbf_w600k", "features.layers.0.layers.2.weight", (64,)),
        ("mbf_w600k", "features.layers.2.bias", (512,)),
        ("mbf_large", "layers.1.layers.1.layers.0.layers.0.weight", (128, 256, 1, 1)),
        ("mbf_may_2021", "conv2_dw.prelu.weight", (64,)),
        ("mbf_may_2021", "conv_23.conv_dw.conv.weight", (128, 1, 3, 3)),
        ("mbf_may_2021", "conv_4.model.5.project.bn.running_mean", (128,)),
        ("mbf_may_2021", "conv_6_sep.conv.weight", (512, 128, 1, 1)),
        ("mbf_may_2021", "output_layer.conv_6_dw.conv.weight", (512, 1, 7, 7)),
        ("mbf_may_2021", "output_layer.linear.weight", (512, 512)),
        ("mobilefacenet_112", "features.12.conv.1.0.weight", (512, 1, 3, 3)),
    ],
)
def test_keys_are_those_of_the_published_checkpoints(name: str, key: str, shape: tuple[int, ...]) -> None:
    assert CATALOGUE[name].skeleton().state_dict()[key].shape == shape


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("mbf", (-0.2593754942, 3.7742764891, 4.4313798735)),
        ("mbf_july_2021", (5.9020719771, -2.3681168279, -0.8005693878)),
        ("mbf_large", (4.2460845725, 8.6682431835, -11.4886124695)),
        ("mbf_may_2021", (5.9020719771, -2.3681168279, -0.8005693878)),
    ],
)
def test_it_computes_what_the_official_code_computes(name: str, first: tuple[float, ...]) -> None:
    expected = torch.tensor(first, dtype=torch.float64)
    torch.testing.assert_close(official.outputs(name)[0][0, :3], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["mbf", "mbf_w600k", "mbf_may_2021", "mobilefacenet_112"])
def test_every_row_of_a_batch_is_its_single_run(name: str) -> None:
    torch.manual_seed(0)
    (embeddings,) = assert_rows_are_single_runs(seeded(name, 0), torch.rand(3, 3, 112, 112))
    assert embeddings.shape == (3, CATALOGUE[name].spec.outputs[0].channels)
