from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from onnx import helper
from torch import nn

from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import architecture
from batchproof.export.recovery.check import CHECK, check_against_original
from batchproof.export.recovery.recover import recovered_network
from batchproof.export.seeded import seeded
from batchproof.policy import load_policy
from batchproof.verdict import Status, Verdict

NAME = "scrfd_500m_bnkps"
SPEC = architecture(NAME).spec
LIMITS = load_policy().export


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("original") / "det.onnx"
    export_onnx(seeded(NAME, 0), SPEC, path, metadata={})
    return path


@pytest.fixture
def network(original: Path) -> nn.Module:
    return recovered_network(original, NAME)


def judged(network: nn.Module, original: Path) -> dict[str, Verdict]:
    return {each.check: each for each in check_against_original(network, SPEC, original, "det", LIMITS)}


def failures(network: nn.Module, original: Path) -> dict[str, str | None]:
    """The checks that failed, and what shows it."""
    return {each.check: each.witness for each in judged(network, original).values() if each.status is Status.FAIL}


def test_a_recovered_network_is_its_original_in_scores_and_distances(network: nn.Module, original: Path) -> None:
    found = judged(network, original)
    limits = {
        f"{CHECK}.score": LIMITS.recovered_score,
        f"{CHECK}.tenfold_score": LIMITS.recovered_tenfold_score,
        f"{CHECK}.relative": LIMITS.recovered_relative,
    }
    assert {check: verdict.threshold for check, verdict in found.items()} == limits
    for check, verdict in found.items():
        assert verdict.status is Status.PASS
        assert verdict.figure is not None
        assert 0 <= verdict.figure < limits[check] / 3


def test_an_embedder_has_no_scores(tmp_path: Path) -> None:
    name = "mobilefacenet_112"
    export_onnx(seeded(name, 0), architecture(name).spec, tmp_path / "rec.onnx", metadata={})
    network = recovered_network(tmp_path / "rec.onnx", name)
    [found] = check_against_original(network, architecture(name).spec, tmp_path / "rec.onnx", "rec", LIMITS)
    assert (found.check, found.status) == (f"{CHECK}.relative", Status.PASS)


@pytest.mark.parametrize("strict", ["score", "tenfold_score", "relative"])
def test_each_figure_has_its_own_limit(network: nn.Module, original: Path, strict: str) -> None:
    limits = replace(LIMITS, **{f"recovered_{strict}": 0.0})
    found = check_against_original(network, SPEC, original, "det", limits)
    assert [each.check for each in found if each.status is Status.FAIL] == [f"{CHECK}.{strict}"]


@pytest.mark.parametrize(("branch", "output", "check"), [("kps", "kps_16", "relative"), ("cls", "score_16", "score")])
def test_one_weight_that_has_moved_is_seen(
    network: nn.Module, original: Path, branch: str, output: str, check: str
) -> None:
    with torch.no_grad():
        network.get_parameter(f"bbox_head.stride_{branch}.(16, 16).weight").mul_(1.01)
    found = failures(network, original)
    assert found == dict.fromkeys(found, f"output '{output}'")
    assert f"{CHECK}.{check}" in found


class When(nn.Module):
    """The network, and another number where an image is of a kind."""

    def __init__(self, network: nn.Module, condition: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.network, self.condition = network, condition

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first, *rest = self.network(images)
        return first + 0.01 * self.condition(images), *rest


@pytest.mark.parametrize(
    "condition",
    [
        lambda images: images.max() < -0.9,  # black
        lambda images: images.min() > 0.9,  # white
        lambda images: 0.05 < images.std() < 0.2,  # faint
        lambda images: images.shape[2] > images.shape[3],  # tall
    ],
)
def test_what_only_some_images_show_is_seen(
    network: nn.Module, original: Path, condition: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    assert failures(network, original) == {}
    assert f"{CHECK}.score" in failures(When(network, condition), original)


def test_what_only_tenfold_contrast_shows_is_seen_by_its_own_limit(network: nn.Module, original: Path) -> None:
    beyond_pixels = When(network, lambda images: images.abs().max() > 5)
    assert failures(beyond_pixels, original).keys() == {f"{CHECK}.tenfold_score"}


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
    assert len(failures(recovered_network(other, NAME), other)) == 3


def test_nan_fails(network: nn.Module, original: Path) -> None:
    with torch.no_grad():
        network.get_parameter("bbox_head.stride_reg.(8, 8).bias").fill_(torch.nan)
    assert failures(network, original) == {f"{CHECK}.relative": "output 'bbox_8'"}


def test_outputs_of_another_size_fail(network: nn.Module, original: Path) -> None:
    class Short(nn.Module):
        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            first, *rest = network(images)
            return first[:, 1:], *rest

    [found] = check_against_original(Short(), SPEC, original, "det", LIMITS)
    assert found.status is Status.FAIL
    assert "output 'score_8' is [1, 384, 1] where the recovered network gives [1, 383, 1]" in found.reason


def test_the_size_that_the_file_fixes_is_the_one_compared(network: nn.Module, original: Path) -> None:
    model = onnx.load(original)
    for axis, size in ((0, 1), (2, 64), (3, 160)):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size
    onnx.save(model, original.with_name("fixed.onnx"))
    assert all(judged(network, original.with_name("fixed.onnx")).values())
