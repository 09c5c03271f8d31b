"""Our layers beside mmdet's, with the same weights, wherever mmdet is installed: `nox -s mmdet`.

mmdet has PAFPN, the stem and the stages of ResNet, and the convolutions of the head. It has no MobileNetV1 and no SCRFD
head: those are InsightFace's.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from batchproof.export.networks.scrfd import SCRFD, VARIANTS, ResNetShape
from tests.export.mmdet.mmdet_modules import mmdet_models
from tests.export.networks.alive import alive

pytestmark = pytest.mark.filterwarnings("ignore")  # of mmdet and mmcv, which are older than what they run on

LARGEST = 1e-5  # of values up to some 10: both run the same operators of torch, but for the constant factor of the neck


@pytest.fixture(scope="module")
def mmdet() -> tuple[Any, Any, Any]:
    return mmdet_models()


def network(name: str) -> SCRFD:
    torch.manual_seed(0)
    return alive(SCRFD(VARIANTS[name]), (128, 128))


def assert_same(ours: Tensor, theirs: Tensor) -> None:
    assert ours.shape == theirs.shape
    assert ours.abs().max() > 1e-2
    assert (ours - theirs).abs().max() <= LARGEST


def loaded(theirs: nn.Module, ours: nn.Module) -> nn.Module:
    theirs.load_state_dict(copy.deepcopy(ours.state_dict()), strict=True)
    return theirs.eval()


@pytest.mark.parametrize("name", ["2.5g_bnkps", "10g", "34g"])
def test_every_block_of_the_backbone_is_mmdets(mmdet: tuple[Any, Any, Any], name: str) -> None:
    _, resnet, _ = mmdet
    ours, shape = network(name).backbone, VARIANTS[name].backbone
    assert isinstance(shape, ResNetShape)
    block = resnet.BasicBlock if shape.block == "basic" else resnet.Bottleneck
    x, before = ours.stem(torch.rand(2, 3, 64, 96)), shape.base
    for stage, (blocks, planes, stride) in enumerate(zip(shape.blocks, shape.planes, (1, 2, 2, 2), strict=True), 1):
        mine = ours.get_submodule(f"layer{stage}")
        theirs = loaded(
            resnet.ResLayer(block, before, planes, blocks, stride=stride, avg_down=True, norm_cfg={"type": "BN"}), mine
        )
        before = planes * block.expansion
        for my_block, their_block in zip(mine.children(), theirs.children(), strict=True):
            with torch.inference_mode():
                y = my_block(x)
                assert_same(y, their_block(x))
            x = y


def test_the_stem_is_mmdets_but_for_its_pool(mmdet: tuple[Any, Any, Any]) -> None:
    _, resnet, _ = mmdet
    ours = network("2.5g_bnkps").backbone.stem
    theirs = resnet.ResNetV1d(depth=18, stem_channels=24, base_channels=24, norm_cfg={"type": "BN"}).stem
    *layers, pool = ours.children()
    assert isinstance(pool, nn.MaxPool2d)
    images = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        assert_same(nn.Sequential(*layers)(images), loaded(theirs, ours)(images))


@pytest.mark.parametrize("name", ["2.5g_bnkps", "500m", "crowdhuman_2.5g_bnkps"])
def test_every_level_of_the_neck_is_mmdets(mmdet: tuple[Any, Any, Any], name: str) -> None:
    necks, _, _ = mmdet
    ours = network(name)
    channels, levels = ours.backbone.channels, len(VARIANTS[name].head.strides)
    theirs = loaded(
        necks.PAFPN([1, *channels], VARIANTS[name].neck, num_outs=levels, start_level=1, add_extra_convs="on_output"),
        ours.neck,
    )
    maps = [torch.rand(2, width, 16 >> level, 24 >> level) for level, width in enumerate(channels)]
    with torch.inference_mode():
        found, expected = ours.neck(maps), theirs([torch.empty(2, 1, 32, 48), *maps])
    assert len(found) == len(expected) == levels
    for mine, other in zip(found, expected, strict=True):
        assert_same(mine, other)


@pytest.mark.parametrize("name", ["500m", "500m_bnkps", "2.5g", "2.5g_bnkps"])
def test_every_convolution_of_the_head_is_mmcvs(mmdet: tuple[Any, Any, Any], name: str) -> None:
    _, _, cnn = mmdet
    ours, shape = network(name).bbox_head, VARIANTS[name].head
    norm = {"type": "BN"} if shape.groups is None else {"type": "GN", "num_groups": shape.groups}
    x = torch.rand(2, VARIANTS[name].neck, 8, 12)
    for mine in ours.cls_stride_convs[ours.keys[-1]].children():
        if shape.separable:
            made = cnn.DepthwiseSeparableConvModule(
                x.shape[1], shape.features, 3, padding=1, dw_norm_cfg=norm, pw_norm_cfg=norm
            )
        else:
            made = cnn.ConvModule(x.shape[1], shape.features, 3, padding=1, norm_cfg=norm)
        with torch.inference_mode():
            y = mine(x)
            assert_same(y, loaded(made, mine)(x))
        x = y
