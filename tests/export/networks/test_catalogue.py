from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from batchproof.errors import InputError
from batchproof.export.networks.catalogue import CATALOGUE, architecture


def test_an_unknown_architecture_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no architecture 'resnet'\. Known are scrfd_500m, .*mobilefacenet_112"):
        architecture("resnet")


def test_a_skeleton_holds_no_weights() -> None:
    for name in CATALOGUE:
        assert all(tensor.is_meta for tensor in architecture(name).skeleton().state_dict().values())


def test_filled_has_the_given_weights_and_evaluates() -> None:
    torch.manual_seed(0)
    weights = CATALOGUE["mbf"].build().state_dict()
    network = CATALOGUE["mbf"].filled(weights)
    assert not any(module.training for module in network.modules())
    assert all(torch.equal(tensor, weights[key]) for key, tensor in network.state_dict().items())


def test_specs_have_keypoints_where_the_names_say_so() -> None:
    detectors = {name: entry.spec.has_keypoints for name, entry in CATALOGUE.items() if entry.spec.role == "detector"}
    assert detectors == {name: name.endswith("kps") for name in detectors}
    assert len(detectors) == 14


def test_specs_have_the_levels_of_the_networks() -> None:
    levels = {name: (entry.spec.strides, entry.spec.anchors_per_cell) for name, entry in CATALOGUE.items()}
    assert levels["scrfd_crowdhuman_2.5g_bnkps"] == ((8, 16, 32, 64, 128), 1)
    assert levels["scrfd_500m_gnkps"] == ((8, 16, 32), 2)
    assert CATALOGUE["scrfd_crowdhuman_2.5g_bnkps"].spec.input.multiple_of == 128


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, batchproof.export; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("dtype", [torch.int64, torch.int8, torch.bool])
def test_whole_numbers_are_no_weights(dtype: torch.dtype) -> None:
    architecture = CATALOGUE["mobilefacenet_112"]
    weights = {
        key: torch.ones(tensor.shape, dtype=dtype) for key, tensor in architecture.skeleton().state_dict().items()
    }
    with pytest.raises(InputError, match="weights are whole numbers: "):
        architecture.filled(weights)
