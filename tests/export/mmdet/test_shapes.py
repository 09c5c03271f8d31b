from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from batchproof.export.mmdet.schema import Detector
from batchproof.export.mmdet.shapes import contradictions, variant_of
from batchproof.export.networks.scrfd import ResNetShape
from tests.export.mmdet.configs import MOBILENET, RESNET, RESNET_VARIANT, Config, changed


def detector(model: Config, **change: object) -> Detector:
    return TypeAdapter(Detector).validate_python(changed(model, **change))


def test_bottlenecks_give_four_times_their_planes() -> None:
    wide = detector(RESNET, backbone__block_cfg__block="Bottleneck", neck__in_channels=[32, 48, 80, 112])
    assert contradictions(wide) == []
    assert variant_of(wide).backbone == ResNetShape(14, (1, 2, 1, 1), (8, 12, 20, 28), "bottleneck")


@pytest.mark.parametrize(
    ("mode", "shared", "scaled"), [(0, True, False), (1, True, True), (1, False, False), (2, False, True)]
)
def test_boxes_are_scaled_by_mode_and_sharing(mode: int, shared: bool, scaled: bool) -> None:
    found = detector(RESNET, bbox_head__scale_mode=mode, bbox_head__strides_share=shared)
    assert variant_of(found).head.scaled is scaled


def test_anchors_are_ratios_times_scales_and_levels_go_on() -> None:
    five = detector(
        RESNET,
        neck__num_outs=5,
        bbox_head__anchor_generator__strides=[8, 16, 32, 64, 128],
        bbox_head__anchor_generator__ratios=[1.0, 2.0],
        bbox_head__anchor_generator__scales=[1, 2, 3],
    )
    assert contradictions(five) == []
    head = replace(RESNET_VARIANT.head, strides=(8, 16, 32, 64, 128), anchors=6)
    assert variant_of(five) == replace(RESNET_VARIANT, head=head)


@pytest.mark.parametrize(
    ("fault", "model", "change"),
    [
        ("model.neck.in_channels: [8, 12, 20, 30], but the", RESNET, {"neck__in_channels": [8, 12, 20, 30]}),
        ("but the backbone gives [12, 18, 26, 34]", MOBILENET, {"neck__in_channels": [10, 18, 26, 34]}),
        ("model.bbox_head.in_channels: 11, but the neck gives 10", RESNET, {"bbox_head__in_channels": 11}),
        ("model.neck.num_outs: 4, but there are 3 strides", RESNET, {"neck__num_outs": 4}),
        ("known are 8, 16, 32 and so on", RESNET, {"bbox_head__anchor_generator__strides": [4, 8, 16]}),
        ("known are 8, 16, 32", RESNET, {"bbox_head__anchor_generator__strides": [8, 16], "neck__num_outs": 2}),
        ("num_groups: 5 do not divide", RESNET, {"bbox_head__norm_cfg__num_groups": 5}),
        (
            "num_groups: 12 do not divide",
            MOBILENET,
            {"bbox_head__norm_cfg": {"type": "GN", "num_groups": 12}},
        ),
        ("201 blocks, known are detectors of at", RESNET, {"backbone__block_cfg__stage_blocks": [1, 50, 50, 100]}),
        ("base_channels: is odd", RESNET, {"backbone__base_channels": 13}),
    ],
)
def test_contradictions_are_named(fault: str, model: Config, change: Config) -> None:
    [found] = contradictions(detector(model, **change))
    assert fault in found


def test_coarse_levels_must_be_made_on_output() -> None:
    strides = [8, 16, 32, 64, 128]
    five = detector(RESNET, neck__num_outs=5, neck__add_extra_convs=None, bbox_head__anchor_generator__strides=strides)
    assert contradictions(five) == ["model.neck.add_extra_convs: levels beyond the third are known on_output only"]
