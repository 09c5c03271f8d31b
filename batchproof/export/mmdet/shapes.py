"""From what a configuration says to the numbers of the network, and where what it says contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.export.mmdet import schema
from batchproof.export.networks.backbones import EXPANSION
from batchproof.export.networks.scrfd import MobileNetShape, ResNetShape, Variant
from batchproof.export.networks.scrfd_head import STRIDES, HeadShape

MOST_BLOCKS = 200  # of all four stages; the largest published detector has 43


def variant_of(detector: schema.Detector) -> Variant:
    """Return the network's numbers, in the dataclass that the published variants use too."""
    return Variant(_backbone(detector.backbone), detector.neck.out_channels, _head(detector.bbox_head))


def contradictions(detector: schema.Detector) -> list[str]:
    """Name the numbers that do not fit each other, or that no network can have."""
    return [*_between_parts(detector), *_within_parts(detector)]


def _between_parts(detector: schema.Detector) -> Iterator[str]:
    neck, head, maps = detector.neck, detector.bbox_head, _maps(detector.backbone)
    if neck.in_channels != maps:
        yield f"model.neck.in_channels: {list(neck.in_channels)}, but the backbone gives {list(maps)}"
    if head.in_channels != neck.out_channels:
        yield f"model.bbox_head.in_channels: {head.in_channels}, but the neck gives {neck.out_channels}"
    if neck.num_outs != len(head.anchor_generator.strides):
        yield f"model.neck.num_outs: {neck.num_outs}, but there are {len(head.anchor_generator.strides)} strides"
    if neck.num_outs > len(STRIDES) and neck.add_extra_convs is None:
        yield "model.neck.add_extra_convs: levels beyond the third are known on_output only"


def _within_parts(detector: schema.Detector) -> Iterator[str]:
    head, strides = detector.bbox_head, detector.bbox_head.anchor_generator.strides
    if len(strides) < len(STRIDES) or strides != tuple(STRIDES[0] << level for level in range(len(strides))):
        yield f"model.bbox_head.anchor_generator.strides: {list(strides)}, known are 8, 16, 32 and so on"
    groups = _groups(head) or 1
    if any(width % groups for width in (head.feat_channels, head.in_channels if head.dw_conv else groups)):
        yield f"model.bbox_head.norm_cfg.num_groups: {groups} do not divide the channels"
    if (blocks := sum(detector.backbone.block_cfg.stage_blocks)) > MOST_BLOCKS:
        yield f"model.backbone.block_cfg.stage_blocks: {blocks} blocks, known are detectors of at most {MOST_BLOCKS}"
    if isinstance(detector.backbone, schema.ResNetV1e) and detector.backbone.base_channels % 2:
        yield "model.backbone.base_channels: is odd, and the stem has half of it"


def _maps(backbone: schema.ResNetV1e | schema.MobileNetV1) -> tuple[int, ...]:
    """Channels of the four maps that the backbone gives."""
    if isinstance(backbone, schema.MobileNetV1):
        return backbone.block_cfg.stage_planes[2:]
    widening = EXPANSION if backbone.block_cfg.block == "Bottleneck" else 1
    return tuple(planes * widening for planes in backbone.block_cfg.stage_planes)


def _backbone(backbone: schema.ResNetV1e | schema.MobileNetV1) -> ResNetShape | MobileNetShape:
    numbers = backbone.block_cfg
    if isinstance(backbone, schema.MobileNetV1):
        first, second, *stages = backbone.block_cfg.stage_planes
        return MobileNetShape((first, second), numbers.stage_blocks, (stages[0], stages[1], stages[2], stages[3]))
    is_basic = backbone.block_cfg.block == "BasicBlock"
    planes = backbone.block_cfg.stage_planes
    return ResNetShape(backbone.base_channels, numbers.stage_blocks, planes, "basic" if is_basic else "bottleneck")


def _head(head: schema.SCRFDHead) -> HeadShape:
    anchors = head.anchor_generator
    return HeadShape(
        head.feat_channels,
        head.stacked_convs,
        groups=_groups(head),
        shared=head.strides_share,
        separable=head.dw_conv,
        scaled=head.scale_mode == 2 or (head.scale_mode == 1 and head.strides_share),
        keypoints=head.use_kps,
        strides=anchors.strides,
        anchors=len(anchors.ratios) * len(anchors.scales),
    )


def _groups(head: schema.SCRFDHead) -> int | None:
    return head.norm_cfg.num_groups if isinstance(head.norm_cfg, schema.GroupNorm) else None
