from __future__ import annotations

import pytest
import torch

from batchproof.export.networks.adaface import VARIANTS
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.seeded import seeded
from tests.export.networks import official
from tests.export.networks.independent import assert_rows_are_single_runs

# As the official code builds them.
BUILT = {
    "adaface_ir18": (24_020_352, 179),
    "adaface_ir50": (43_585_600, 467),
    "adaface_ir101": (65_150_912, 917),
}


def test_the_table_lists_the_published_variants() -> None:
    assert VARIANTS.keys() == BUILT.keys()


@pytest.mark.parametrize("name", BUILT)
def test_counts_are_those_of_the_official_code(name: str) -> None:
    network = CATALOGUE[name].skeleton()
    assert (sum(each.numel() for each in network.parameters()), len(network.state_dict())) == BUILT[name]


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("input_layer.0.weight", (64, 3, 3, 3)),
        ("input_layer.2.weight", (64,)),
        ("body.0.res_layer.4.weight", (64, 64, 3, 3)),
        ("body.3.shortcut_layer.0.weight", (128, 64, 1, 1)),
        ("body.46.shortcut_layer.1.running_mean", (512,)),
        ("body.48.res_layer.5.running_var", (512,)),
        ("output_layer.0.weight", (512,)),
        ("output_layer.3.weight", (512, 25088)),
        ("output_layer.4.running_mean", (512,)),
    ],
)
def test_keys_are_those_of_the_official_code(key: str, shape: tuple[int, ...]) -> None:
    assert CATALOGUE["adaface_ir101"].skeleton().state_dict()[key].shape == shape


def test_blocks_of_equal_width_have_a_shortcut_without_weights_and_the_last_norm_has_none() -> None:
    keys = CATALOGUE["adaface_ir101"].skeleton().state_dict()
    assert {key.split(".")[1] for key in keys if "shortcut_layer" in key} == {"3", "16", "46"}
    assert "output_layer.4.weight" not in keys


def test_it_computes_what_the_official_code_computes() -> None:
    feature, norm = official.outputs("adaface_ir18")
    expected = torch.tensor([-0.0111955244, 0.0946289736, 0.0008920916], dtype=torch.float64)
    torch.testing.assert_close(feature[0, :3], expected, rtol=0, atol=1e-9)
    assert float(norm) == pytest.approx(71.24524169, abs=1e-7)


def test_rows_are_single_runs_and_features_are_unit_vectors() -> None:
    torch.manual_seed(0)
    features, norms = assert_rows_are_single_runs(seeded("adaface_ir18", 0), torch.rand(3, 3, 112, 112))
    assert (features.shape, norms.shape) == ((3, 512), (3, 1))
    torch.testing.assert_close(features.norm(dim=1), torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-12)


def test_it_is_fed_bgr() -> None:
    spec = CATALOGUE["adaface_ir101"].spec
    assert (spec.family, spec.role, spec.input.colour) == ("adaface", "embedder", "BGR")
    assert [(output.name, output.channels) for output in spec.outputs] == [("embedding", 512), ("norm", 1)]
    assert {entry.spec.input.colour for name, entry in CATALOGUE.items() if "adaface" not in name} == {"RGB"}
