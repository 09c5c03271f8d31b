from __future__ import annotations

import pytest
import torch

from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.networks.vit import VARIANTS
from batchproof.export.seeded import seeded
from tests.export.networks import official
from tests.export.networks.independent import assert_rows_are_single_runs

# As the official code builds them.
BUILT = {
    "vit_t": (19_137_792, 150),
    "vit_s": (76_023_296, 150),
    "vit_b": (113_833_472, 282),
    "vit_l": (255_684_352, 282),
}


def test_the_table_lists_these_variants() -> None:
    assert VARIANTS.keys() == BUILT.keys()


@pytest.mark.parametrize("name", BUILT)
def test_counts_are_those_of_the_official_code(name: str) -> None:
    network = CATALOGUE[name].skeleton()
    assert (sum(each.numel() for each in network.parameters()), len(network.state_dict())) == BUILT[name]


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("vit_t", "patch_embed.proj.weight", (256, 3, 9, 9)),
        ("vit_t", "patch_embed.proj.bias", (256,)),
        ("vit_t", "pos_embed", (1, 144, 256)),
        ("vit_s", "mask_token", (1, 1, 512)),
        ("vit_s", "blocks.11.attn.qkv.weight", (1536, 512)),
        ("vit_b", "blocks.23.attn.proj.bias", (512,)),
        ("vit_b", "blocks.23.mlp.fc1.weight", (2048, 512)),
        ("vit_l", "blocks.0.norm2.bias", (768,)),
        ("vit_l", "norm.weight", (768,)),
        ("vit_l", "feature.0.weight", (768, 144 * 768)),
        ("vit_l", "feature.1.running_var", (768,)),
        ("vit_l", "feature.2.weight", (512, 768)),
        ("vit_l", "feature.3.num_batches_tracked", ()),
    ],
)
def test_keys_are_those_of_the_official_code(name: str, key: str, shape: tuple[int, ...]) -> None:
    assert CATALOGUE[name].skeleton().state_dict()[key].shape == shape


def test_it_computes_what_the_official_code_computes() -> None:
    expected = torch.tensor([0.2181887746, 0.6276952717, 0.8577441403], dtype=torch.float64)
    torch.testing.assert_close(official.outputs("vit_t")[0][0, :3], expected, rtol=0, atol=1e-9)


def test_nothing_is_masked_and_the_token_of_the_mask_is_not_read() -> None:
    network = seeded("vit_t", 0)
    faces = torch.rand(2, 3, 112, 112)
    with torch.inference_mode():
        first, again = network(faces), network(faces)
        network.get_parameter("mask_token").fill_(torch.nan)
        without = network(faces)
    assert torch.equal(first, again)
    assert torch.equal(first, without)


def test_the_last_four_rows_and_columns_of_pixels_are_not_seen() -> None:
    network, faces = seeded("vit_t", 0), torch.rand(2, 3, 112, 112)
    trimmed, shaved = faces.clone(), faces.clone()
    trimmed[:, :, 108:], trimmed[:, :, :, 108:] = 0, 0
    shaved[:, :, 107:] = 0
    with torch.inference_mode():
        assert torch.equal(network(faces), network(trimmed))
        assert not torch.equal(network(faces), network(shaved))


def test_every_row_of_a_batch_is_its_single_run() -> None:
    torch.manual_seed(0)
    (embeddings,) = assert_rows_are_single_runs(seeded("vit_t", 0), torch.rand(3, 3, 112, 112))
    assert embeddings.shape == (3, 512)
