"""SCRFD configurations of invented widths, written as its own configuration files are."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from batchproof.export.networks.scrfd import MobileNetShape, ResNetShape, Variant
from batchproof.export.networks.scrfd_head import HeadShape

Config = dict[str, Any]

# Nothing here is a published number but the strides and what makes the family.
RESNET: Config = {
    "type": "SCRFD",
    "backbone": {
        "type": "ResNetV1e",
        "depth": 0,
        "block_cfg": {"block": "BasicBlock", "stage_blocks": (1, 2, 1, 1), "stage_planes": [8, 12, 20, 28]},
        "base_channels": 14,
        "num_stages": 4,
        "out_indices": (0, 1, 2, 3),
        "norm_cfg": {"type": "BN", "requires_grad": True},
        "norm_eval": False,
        "style": "pytorch",
    },
    "neck": {
        "type": "PAFPN",
        "in_channels": [8, 12, 20, 28],
        "out_channels": 10,
        "start_level": 1,
        "add_extra_convs": "on_output",
        "num_outs": 3,
    },
    "bbox_head": {
        "type": "SCRFDHead",
        "num_classes": 1,
        "in_channels": 10,
        "stacked_convs": 3,
        "feat_channels": 24,
        "norm_cfg": {"type": "GN", "num_groups": 6, "requires_grad": True},
        "cls_reg_share": True,
        "strides_share": True,
        "scale_mode": 2,
        "anchor_generator": {
            "type": "AnchorGenerator",
            "ratios": [1.0],
            "scales": [1, 2],
            "base_sizes": [16, 64, 256],
            "strides": [8, 16, 32],
        },
        "loss_cls": {"type": "QualityFocalLoss", "use_sigmoid": True},
        "loss_dfl": False,
        "reg_max": 8,
        "use_kps": False,
        "train_cfg": {"assigner": {"type": "ATSSAssigner", "topk": 9}},
    },
}
RESNET_VARIANT = Variant(ResNetShape(14, (1, 2, 1, 1), (8, 12, 20, 28)), 10, HeadShape(24, 3, groups=6, shared=True))

MOBILENET: Config = {
    **RESNET,
    "backbone": {
        "type": "MobileNetV1",
        "block_cfg": {"stage_blocks": (1, 2, 1, 2), "stage_planes": [6, 10, 12, 18, 26, 34]},
    },
    "neck": {**RESNET["neck"], "in_channels": [12, 18, 26, 34]},
    "bbox_head": {
        **RESNET["bbox_head"],
        "norm_cfg": {"type": "BN", "requires_grad": True},
        "strides_share": False,
        "dw_conv": True,
        "scale_mode": 0,
        "use_kps": True,
    },
}
MOBILENET_VARIANT = Variant(
    MobileNetShape((6, 10), (1, 2, 1, 2), (12, 18, 26, 34)),
    10,
    HeadShape(24, 3, separable=True, scaled=False, keypoints=True),
)


def changed(model: Config, **values: object) -> Config:
    """Copy `model` with other values; `neck__num_outs=5` stands for `model["neck"]["num_outs"]`."""
    other = copy.deepcopy(model)
    for key, value in values.items():
        *folders, last = key.split("__")
        part = other
        for folder in folders:
            part = part[folder]
        part[last] = value
    return other


def written(path: Path, model: Config, **rest: object) -> Path:
    """Write a configuration file with `model` and other entries, as code in the style of mmdet."""
    lines = [f"{name} = {_code(value)}\n" for name, value in {"model": model, **rest}.items()]
    path.write_text("".join(lines))
    return path


def _code(value: object) -> str:
    if isinstance(value, dict):
        return f"dict({', '.join(f'{name}={_code(inner)}' for name, inner in value.items())})"
    if isinstance(value, list):
        return f"[{', '.join(map(_code, value))}]"
    return repr(value)
