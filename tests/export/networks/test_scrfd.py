from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.functional import interpolate

from batchproof.export.networks import pafpn
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.networks.scrfd import SCRFD, VARIANTS
from batchproof.export.networks.scrfd_head import STRIDES
from batchproof.runtime import OnnxRuntimeRunner
from tests.export.networks.alive import alive
from tests.export.networks.independent import assert_rows_are_single_runs

# The counts of the published checkpoints or, without any, of the published configurations; the state dicts also hold
# `integral.project`, a constant that the networks here do not have.
PUBLISHED = {
    "500m": (572_741, 214),
    "1g": (635_565, 190),
    "1gbn": (679_313, 258),
    "1.3g": (435_253, 226),
    "2.5g": (671_761, 226),
    "10g": (3_860_225, 217),
    "34g": (9_802_737, 850),
    "500m_bnkps": (631_410, 285),
    "2.5g_bnkps": (819_809, 270),
    "10g_bnkps": (4_229_905, 276),
    "500m_gnkps": (631_410, 249),
    "2.5g_gnkps": (819_809, 252),
    "10g_gnkps": (4_229_905, 249),
    "crowdhuman_2.5g_bnkps": (923_460, 312),
}


def skeleton(variant: str) -> nn.Module:
    return CATALOGUE[f"scrfd_{variant}"].skeleton()


def test_the_table_lists_the_published_variants() -> None:
    assert VARIANTS.keys() == PUBLISHED.keys()


@pytest.mark.parametrize("variant", PUBLISHED)
def test_counts_are_those_of_the_published_checkpoints(variant: str) -> None:
    network = skeleton(variant)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert (parameters, len(network.state_dict()) + 1) == PUBLISHED[variant]


@pytest.mark.parametrize(
    ("variant", "key", "shape"),
    [
        ("2.5g_bnkps", "backbone.stem.6.weight", (24, 12, 3, 3)),
        ("34g", "backbone.layer1.0.downsample.1.weight", (224, 56, 1, 1)),
        ("34g", "backbone.layer4.7.conv3.weight", (736, 184, 1, 1)),
        ("500m", "backbone.stem.1.3.weight", (16, 16, 1, 1)),
        ("1g", "backbone.layer4.4.4.running_var", (312,)),
        ("10g", "neck.pafpn_convs.1.conv.bias", (56,)),
        ("10g", "bbox_head.cls_stride_convs.0.2.gn.weight", (80,)),
        ("10g", "bbox_head.scales.2.scale", ()),
        ("500m", "bbox_head.cls_stride_convs.0.1.depthwise_conv.gn.bias", (64,)),
        ("500m_bnkps", "bbox_head.cls_stride_convs.(8, 8).0.pointwise_conv.conv.weight", (64, 16, 1, 1)),
        ("10g_bnkps", "bbox_head.stride_kps.(32, 32).weight", (20, 80, 3, 3)),
        ("1.3g", "backbone.layer4.1.conv2.weight", (72, 72, 3, 3)),
        ("1gbn", "bbox_head.cls_stride_convs.(16, 16).0.depthwise_conv.bn.running_mean", (24,)),
        ("500m_gnkps", "bbox_head.cls_stride_convs.(8, 8).0.depthwise_conv.gn.weight", (16,)),
        ("crowdhuman_2.5g_bnkps", "bbox_head.stride_kps.(128, 128).weight", (10, 64, 3, 3)),
    ],
)
def test_keys_are_those_of_the_published_checkpoints(variant: str, key: str, shape: tuple[int, ...]) -> None:
    assert skeleton(variant).state_dict()[key].shape == shape


@pytest.mark.parametrize(
    ("variant", "groups"),
    [
        ("500m", {16}),
        ("1g", {8}),
        ("1gbn", set()),
        ("1.3g", {16}),
        ("2.5g", {16}),
        ("10g", {16}),
        ("34g", {32}),
        ("10g_bnkps", set()),
        ("500m_gnkps", {16}),
        ("2.5g_gnkps", {16}),
        ("10g_gnkps", {16}),
    ],
)
def test_group_norms_have_the_published_groups(variant: str, groups: set[int]) -> None:
    modules = skeleton(variant).modules()
    assert {module.num_groups for module in modules if isinstance(module, nn.GroupNorm)} == groups


@pytest.mark.parametrize("size", ["500m", "2.5g", "10g"])
def test_gnkps_is_bnkps_but_for_the_norms_of_the_head(size: str) -> None:
    batch, group = (
        {key: tensor.shape for key, tensor in skeleton(f"{size}_{norm}kps").state_dict().items()}
        for norm in ("bn", "gn")
    )
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    of_the_head = {key for key in batch if key.startswith("bbox_head.") and ".bn." in key}
    gone = {key for key in of_the_head if key.endswith(statistics)}
    assert gone
    renamed = {key.replace(".bn.", ".gn.") if key in of_the_head else key: batch[key] for key in batch.keys() - gone}
    assert group == renamed


def test_crowdhuman_has_two_levels_more_and_one_anchor_a_cell() -> None:
    three, five = (skeleton(variant).state_dict() for variant in ("2.5g_bnkps", "crowdhuman_2.5g_bnkps"))
    assert three.keys() < five.keys()
    own = {key.replace("(64, 64)", "(32, 32)").replace("(128, 128)", "(32, 32)") for key in five.keys() - three.keys()}
    coarse = {f"neck.fpn_convs.{level}.conv.{kind}" for level in (3, 4) for kind in ("weight", "bias")}
    scales = {f"bbox_head.scales.{level}.scale" for level in (3, 4)}
    assert own == coarse | scales | {key for key in three if "(32, 32)" in key}
    assert {key for key in three if five[key].shape != three[key].shape} == {key for key in three if ".stride_" in key}


def random(variant: str) -> SCRFD:
    torch.manual_seed(0)
    return alive(SCRFD(VARIANTS[variant]), size=(64, 64))


@pytest.mark.parametrize("variant", ["500m", "2.5g_bnkps", "34g", "500m_gnkps", "crowdhuman_2.5g_bnkps"])
def test_every_row_of_a_batch_is_its_single_run(variant: str) -> None:
    spec = CATALOGUE[f"scrfd_{variant}"].spec
    height, width = 2 * spec.input.multiple_of, 3 * spec.input.multiple_of
    outputs = assert_rows_are_single_runs(random(variant), torch.rand(3, 3, height, width))
    shapes = [(3, output.rows(height, width, spec.anchors_per_cell), output.channels) for output in spec.outputs]
    assert [tuple(output.shape) for output in outputs] == shapes


def test_rows_run_along_the_lines_of_the_map_with_the_anchors_of_a_cell_together() -> None:
    network = random("2.5g_bnkps")
    maps: dict[str, Tensor] = {}
    level = network.bbox_head.stride_reg["(16, 16)"]
    level.register_forward_hook(lambda module, inputs, output: maps.update(bbox_16=output))
    with torch.inference_mode():
        bbox_16 = network(torch.rand(2, 3, 64, 96))[4] / network.bbox_head.get_parameter("scales.1.scale")
    image, line, column, anchor, side = 1, 2, 3, 1, 2
    row = (line * 6 + column) * 2 + anchor
    assert maps["bbox_16"].shape == (2, 8, 4, 6)
    assert torch.equal(bbox_16[image, row, side], maps["bbox_16"][image, anchor * 4 + side, line, column])
    assert not torch.equal(bbox_16[image, row], bbox_16[image, row + 1])


def test_the_constant_factor_interpolates_to_the_lateral_size(monkeypatch: pytest.MonkeyPatch) -> None:
    network, images = random("500m"), torch.rand(1, 3, 96, 160)
    with torch.inference_mode():
        by_factor = network(images)
        monkeypatch.setattr(pafpn, "interpolate", _to_twice_the_size)
        by_size = network(images)
    assert all(torch.equal(left, right) for left, right in zip(by_factor, by_size, strict=True))


def _to_twice_the_size(x: Tensor, *, scale_factor: float, mode: str) -> Tensor:
    assert scale_factor == 2
    return interpolate(x, size=(x.shape[2] * 2, x.shape[3] * 2), mode=mode)


@pytest.mark.parametrize(("variant", "file"), [("500m_bnkps", "det_500m.onnx"), ("2.5g_bnkps", "det_2.5g.onnx")])
def test_with_the_official_weights_it_is_the_official_detector(test_data: Path, variant: str, file: str) -> None:
    path = test_data / "models" / file
    network = SCRFD(VARIANTS[variant]).eval()
    _adopt_folded_weights(network, onnx.load(path))
    image = np.random.default_rng(0).uniform(-1, 1, (1, 3, 96, 160)).astype(np.float32)
    with torch.inference_mode():
        ours = [output[0].numpy() for output in network(torch.from_numpy(image))]
    official = list(OnnxRuntimeRunner(path).infer(image).values())
    for index, (mine, theirs) in enumerate(zip(ours, official, strict=True)):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5 if index < len(STRIDES) else 1e-4)


def _adopt_folded_weights(network: SCRFD, model: onnx.ModelProto) -> None:
    """Give the official file's convolutions, in which BatchNorm is folded, and its box scales to the network."""
    constants = {
        tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in model.graph.initializer
    }
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    for conv, node in zip(_in_traced_order(network), convolutions, strict=True):
        conv.weight.data = constants[node.input[1]].reshape(conv.weight.shape)
        conv.bias = nn.Parameter(constants[node.input[2]])
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.0  # with mean 0, variance 1, weight 1 and bias 0 the identity
    if network.bbox_head.scales is not None:
        scales = [constants[node.input[1]] for node in model.graph.node if node.op_type == "Mul"]
        for level, scale in zip(network.bbox_head.scales, scales, strict=True):
            level.load_state_dict({"scale": scale.reshape(())})


def _in_traced_order(network: SCRFD) -> list[nn.Conv2d]:
    """Backbone and neck as they execute; of the head one level after the other, as the official export ran it."""
    head = network.bbox_head
    parts: list[nn.Module] = [network.backbone, network.neck]
    for key in head.keys:
        parts += [head.cls_stride_convs[key], head.stride_cls[key], head.stride_reg[key]]
        parts += [] if head.stride_kps is None else [head.stride_kps[key]]
    return [conv for part in parts for conv in part.modules() if isinstance(conv, nn.Conv2d)]
