from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from batchproof.errors import InputError
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.networks.mobilefacenet import MobileFaceNet, Variant
from batchproof.export.recognise_weights import recognise_checkpoint, resembles_known

Weights = dict[str, Tensor]


@pytest.fixture
def weights() -> Weights:
    return dict(CATALOGUE["scrfd_500m_bnkps"].skeleton().state_dict())


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_architecture_is_recognised(name: str) -> None:
    found = recognise_checkpoint(CATALOGUE[name].skeleton().state_dict())
    assert (found.architecture, found.spec) == (name, CATALOGUE[name].spec)
    assert found.reason.endswith(f"entries have the names and shapes of {name}")


def test_the_order_of_the_entries_does_not_matter(weights: Weights) -> None:
    assert recognise_checkpoint(dict(reversed(weights.items()))).architecture == "scrfd_500m_bnkps"


def test_missing_entries_are_named_and_counted(weights: Weights) -> None:
    gone = [key for key in weights if "stride_kps" in key]
    with pytest.raises(InputError) as error:
        recognise_checkpoint({key: tensor for key, tensor in weights.items() if key not in gone}, where=Path("a.pth"))
    line = error.value.line()
    assert line.startswith("a.pth: nearly a scrfd_500m_bnkps, but 6 missing: 'bbox_head.stride_kps.(8, 8).weight', ")
    assert "and 3 more" in line
    assert "unexpected" not in line


def test_unexpected_and_mis_shaped_entries_are_named(weights: Weights) -> None:
    weights["extra.weight"] = torch.zeros(1)
    weights["backbone.stem.0.0.weight"] = torch.zeros(16, 1, 3, 3)
    expected = (
        r"1 unexpected: 'extra\.weight'; "
        r"1 mis-shaped: 'backbone\.stem\.0\.0\.weight' \[16, 1, 3, 3\] instead of \[16, 3, 3, 3\]"
    )
    with pytest.raises(InputError, match=expected):
        recognise_checkpoint(weights)


def test_another_width_of_a_known_network_is_told_as_such() -> None:
    with torch.device("meta"):
        half_as_wide_again = MobileFaceNet(Variant(192, (1, 4, 6, 2)))
    with pytest.raises(InputError, match=r"nearly a mbf, but \d+ mis-shaped"):
        recognise_checkpoint(half_as_wide_again.state_dict())


@pytest.mark.parametrize(
    ("name", "key", "told"),
    [
        ("iresnet50", "features.running_var", "nearly a iresnet50, but 1 missing: 'features.running_var"),
        ("vit_b", "mask_token", "nearly a vit_b, but 1 missing: 'mask_token"),
        ("adaface_ir101", "output_layer.3.bias", "nearly a adaface_ir101, but 1 missing: 'output_layer.3.bias"),
        ("mbf_may_2021", "conv1.conv.weight", "nearly a mbf_may_2021, but 1 missing: 'conv1.conv.weight"),
        ("scrfd_10g_gnkps", "neck.fpn_convs.0.conv.bias", "nearly a scrfd_10g_gnkps, but 1 missing: 'neck.fpn"),
        (
            "scrfd_crowdhuman_2.5g_bnkps",
            "bbox_head.scales.4.scale",
            "nearly a scrfd_crowdhuman_2.5g_bnkps, but 1 missing: 'bbox_head.scales.4.scale",
        ),
    ],
)
def test_a_near_miss_is_told_by_the_key_that_differs(name: str, key: str, told: str) -> None:
    weights = CATALOGUE[name].skeleton().state_dict()
    del weights[key]
    with pytest.raises(InputError, match=re.escape(told)):
        recognise_checkpoint(weights)


def test_the_loss_beside_a_network_is_told_as_unexpected() -> None:
    weights = CATALOGUE["iresnet50"].skeleton().state_dict() | {"head.kernel": torch.zeros(512, 10)}
    with pytest.raises(InputError, match=r"nearly a iresnet50, but 1 unexpected: 'head\.kernel'"):
        recognise_checkpoint(weights)


@pytest.mark.parametrize("foreign", [{}, {"fc.weight": torch.zeros(2, 2), "fc.bias": torch.zeros(2)}])
def test_foreign_weights_are_refused_with_the_known_names(foreign: Weights) -> None:
    with pytest.raises(
        InputError, match=r"no known face model: holds \d entries .* Known architectures are scrfd_500m"
    ):
        recognise_checkpoint(foreign)


@pytest.mark.parametrize(("share", "resembles"), [(0.3, False), (0.7, True), (1.0, True)])
def test_fragments_resemble_a_known_network(weights: Weights, share: float, resembles: bool) -> None:
    some = list(weights)[: int(len(weights) * share)]
    assert resembles_known({key: weights[key] for key in some}) == resembles
