from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from onnx import helper
from torch import nn

from batchproof.export.check import THRESHOLD
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import architecture
from batchproof.export.recovery.check import CHECK, check_against_original
from batchproof.export.recovery.recover import recovered_network
from batchproof.export.seeded import seeded
from batchproof.verdict import Status

NAME = "scrfd_500m_bnkps"
SPEC = architecture(NAME).spec


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("original") / "det.onnx"
    export_onnx(seeded(NAME, 0), SPEC, path, metadata={})
    return path


@pytest.fixture
def network(original: Path) -> nn.Module:
    return recovered_network(original, NAME)


def test_a_recovered_network_is_its_original(network: nn.Module, original: Path) -> None:
    found = check_against_original(network, SPEC, original, "det")
    assert (found.check, found.status, found.threshold) == (CHECK, Status.PASS, THRESHOLD)
    assert found.figure is not None
    assert 0 <= found.figure < THRESHOLD / 5


def test_one_weight_that_has_moved_is_seen(network: nn.Module, original: Path) -> None:
    with torch.no_grad():
        network.get_parameter("bbox_head.stride_kps.(16, 16).weight").mul_(1.01)
    found = check_against_original(network, SPEC, original, "det")
    assert (found.status, found.witness) == (Status.FAIL, "output 'kps_16'")


def edited(original: Path, kind: str, name: str, value: object) -> Path:
    """Change one attribute of every node of a kind, which the pairing of layers takes no notice of."""
    model, path = onnx.load(original), original.with_name("edited.onnx")
    for node in model.graph.node:
        if node.op_type == kind:
            kept = [each for each in node.attribute if each.name != name]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute(name, value)])
    onnx.save(model, path)
    return path


def test_what_pairing_passes_over_is_seen(original: Path) -> None:
    """Rounding to the other neighbour moves every map by a pixel, though every layer and every weight is the same."""
    other = edited(original, "Resize", "coordinate_transformation_mode", "align_corners")
    assert check_against_original(recovered_network(other, NAME), SPEC, other, "det").status is Status.FAIL


def test_nan_fails(network: nn.Module, original: Path) -> None:
    with torch.no_grad():
        network.get_parameter("bbox_head.stride_reg.(8, 8).bias").fill_(torch.nan)
    assert check_against_original(network, SPEC, original, "det").status is Status.FAIL


def test_outputs_of_another_size_fail(network: nn.Module, original: Path) -> None:
    class Short(nn.Module):
        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            first, *rest = network(images)
            return first[:, 1:], *rest

    found = check_against_original(Short(), SPEC, original, "det")
    assert found.status is Status.FAIL
    assert "output 'score_8' is [1, 384, 1] where the recovered network gives [1, 383, 1]" in found.reason


def test_the_size_that_the_file_fixes_is_the_one_compared(network: nn.Module, original: Path) -> None:
    model = onnx.load(original)
    for axis, size in ((0, 1), (2, 64), (3, 160)):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size
    onnx.save(model, original.with_name("fixed.onnx"))
    assert check_against_original(network, SPEC, original.with_name("fixed.onnx"), "det").status is Status.PASS
