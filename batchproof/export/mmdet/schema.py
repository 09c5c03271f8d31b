"""What of a SCRFD configuration decides the network, and which of mmdet's options the networks here know.

An option that is not named here is refused, so that none which changes the network is passed over in silence. So is a
value of another type: neither '8' nor 8.0 nor True is a whole number. Fields of type `Any` concern training alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, with_config
from pydantic_core import PydanticCustomError

_EXACT_KEYS = ConfigDict(extra="forbid")


def _whole(value: object) -> object:
    """Let no 0.0 and no False pass for 0, as literals do."""
    if isinstance(value, bool | float):
        raise PydanticCustomError("whole", "Input should be a whole number")
    return value


def _truth(value: object) -> object:
    """Let no 0 and no 1.0 pass for False and True, as literals do."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise PydanticCustomError("truth", "Input should be True or False")
    return value


Exactly, Truly = BeforeValidator(_whole), BeforeValidator(_truth)
Count = Annotated[int, Field(strict=True, gt=0, le=200)]  # of blocks, convolutions, levels
Width = Annotated[int, Field(strict=True, gt=0, le=8192)]  # of channels
Level = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Deviation = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Flag = Annotated[bool, Field(strict=True)]
Three = Annotated[Literal[3], Exactly]
Zero = Annotated[Literal[0], Exactly]
FourCounts = tuple[Count, Count, Count, Count]
FourWidths = tuple[Width, Width, Width, Width]
One = Annotated[Literal[1], Exactly]
Four = Annotated[Literal[4], Exactly]
AllStages = tuple[Zero, One, Annotated[Literal[2], Exactly], Three]
Ratios = Annotated[tuple[Level, ...], Field(min_length=1, max_length=16)]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class BatchNorm:
    """BatchNorm with its usual epsilon; the one that is shared between processes has the same weights."""

    type: Literal["BN", "SyncBN"] = "BN"
    requires_grad: Any = None


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class GroupNorm:
    """GroupNorm with its usual epsilon."""

    type: Literal["GN"]
    num_groups: Width
    requires_grad: Any = None


Norm = Annotated[BatchNorm | GroupNorm, Field(discriminator="type")]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class ResNetBlocks:
    """The numbers of ResNetV1e's four stages."""

    block: Literal["BasicBlock", "Bottleneck"]
    stage_blocks: FourCounts
    stage_planes: FourWidths


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class ResNetV1e:
    """ResNet with a deep stem and pooled shortcuts; `depth=0` says that `block_cfg` has the numbers."""

    type: Literal["ResNetV1e"]
    block_cfg: ResNetBlocks
    depth: Zero
    base_channels: Width = 64
    num_stages: Four = 4
    out_indices: AllStages = (0, 1, 2, 3)
    norm_cfg: BatchNorm = BatchNorm()
    style: Literal["pytorch"] = "pytorch"
    norm_eval: Any = None
    frozen_stages: Any = None
    zero_init_residual: Any = None
    with_cp: Any = None
    pretrained: Any = None
    init_cfg: Any = None


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class MobileNetBlocks:
    """The numbers of MobileNetV1: the two halves of its stem, then its four stages."""

    stage_blocks: FourCounts
    stage_planes: tuple[Width, Width, Width, Width, Width, Width]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class MobileNetV1:
    """MobileNet of depthwise-separable blocks."""

    type: Literal["MobileNetV1"]
    block_cfg: MobileNetBlocks
    in_channels: Three = 3
    num_stages: Four = 4
    out_indices: AllStages = (0, 1, 2, 3)
    pretrained: Any = None
    init_cfg: Any = None


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class PAFPN:
    """The neck over the last three of the backbone's four maps."""

    type: Literal["PAFPN"]
    in_channels: FourWidths
    out_channels: Width
    num_outs: Count
    start_level: One
    end_level: Annotated[Literal[-1], Exactly] = -1
    add_extra_convs: Literal["on_output"] | None = None
    init_cfg: Any = None


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class AnchorGenerator:
    """Anchors on the corners of the cells; their sizes matter for training alone."""

    type: Literal["AnchorGenerator"]
    ratios: Ratios
    scales: Ratios
    strides: Annotated[tuple[Width, ...], Field(max_length=8)]
    base_sizes: Any = None
    center_offset: Annotated[float, Field(strict=True, ge=0, le=0)] = 0


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class SCRFDHead:
    """One tower for scores and boxes, one class, distances without distribution loss."""

    type: Literal["SCRFDHead"]
    num_classes: One
    in_channels: Width
    stacked_convs: Count
    feat_channels: Width
    anchor_generator: AnchorGenerator
    cls_reg_share: Annotated[Literal[True], Truly]
    norm_cfg: Norm
    strides_share: Flag = True
    scale_mode: Annotated[Literal[0, 1, 2], Exactly] = 1
    dw_conv: Flag = False
    use_kps: Flag = False
    loss_dfl: Annotated[Literal[False] | None, Truly] = None
    reg_max: Any = None
    loss_cls: Any = None
    loss_bbox: Any = None
    loss_kps: Any = None
    train_cfg: Any = None
    test_cfg: Any = None
    init_cfg: Any = None


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class Detector:
    """The whole of `model` in a configuration."""

    type: Literal["SCRFD"]
    backbone: Annotated[ResNetV1e | MobileNetV1, Field(discriminator="type")]
    neck: PAFPN
    bbox_head: SCRFDHead
    data_preprocessor: Any = None  # decides what goes in, not the network: `mmdet.preprocessing` reads it
    train_cfg: Any = None
    test_cfg: Any = None
    pretrained: Any = None
    init_cfg: Any = None
