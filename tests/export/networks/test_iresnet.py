from __future__ import annotations

import pytest
import torch

from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.networks.iresnet import VARIANTS
from batchproof.export.seeded import seeded
from tests.export.networks import official
from tests.export.networks.independent import assert_rows_are_single_runs

PUBLISHED = {
    "iresnet18": (24_025_600, 187),
    "iresnet34": (34_139_328, 331),
    "iresnet50": (43_590_848, 475),
    "iresnet100": (65_156_160, 925),
    "iresnet200": (118_833_920, 1807),
}


def test_the_table_lists_the_published_variants() -> None:
    assert VARIANTS.keys() == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_those_of_the_published_checkpoints(name: str) -> None:
    network = CATALOGUE[name].skeleton()
    assert (sum(each.numel() for each in network.parameters()), len(network.state_dict())) == PUBLISHED[name]


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("iresnet18", "conv1.weight", (64, 3, 3, 3)),
        ("iresnet18", "layer1.0.downsample.0.weight", (64, 64, 1, 1)),
        ("iresnet50", "layer4.0.bn1.running_mean", (256,)),
        ("iresnet50", "layer4.0.conv2.weight", (512, 512, 3, 3)),
        ("iresnet100", "layer3.29.prelu.weight", (256,)),
        ("iresnet200", "layer2.25.bn3.num_batches_tracked", ()),
        ("iresnet200", "fc.weight", (512, 25088)),
        ("iresnet200", "fc.bias", (512,)),
        ("iresnet200", "features.weight", (512,)),
    ],
)
def test_keys_are_those_of_the_published_checkpoints(name: str, key: str, shape: tuple[int, ...]) -> None:
    assert CATALOGUE[name].skeleton().state_dict()[key].shape == shape


def test_it_computes_what_the_official_code_computes() -> None:
    expected = torch.tensor([-3.7800335508, -2.2325847998, 1.5124517682], dtype=torch.float64)
    torch.testing.assert_close(official.outputs("iresnet18")[0][0, :3], expected, rtol=0, atol=1e-9)


def test_every_row_of_a_batch_is_its_single_run() -> None:
    torch.manual_seed(0)
    (embeddings,) = assert_rows_are_single_runs(seeded("iresnet18", 0), torch.rand(3, 3, 112, 112))
    assert embeddings.shape == (3, 512)
