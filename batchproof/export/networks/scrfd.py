"""SCRFD, every variant with a published configuration: one network, and the numbers in which the variants differ.

State-dict keys are those of the official checkpoints, which load with `strict=True`. Of `1.3g` and `1gbn` only the
configurations are published, of the `gnkps` variants only ONNX files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

from batchproof.export.networks.backbones import Backbone, Block, Four, mobilenet_v1, resnet_v1e
from batchproof.export.networks.pafpn import PAFPN
from batchproof.export.networks.scrfd_head import HeadShape, SCRFDHead


@dataclass(frozen=True)
class ResNetShape:
    """`base` channels leave the stem; `blocks` and `planes` are those of the four stages."""

    base: int
    blocks: Four
    planes: Four
    block: Block = "basic"

    def build(self) -> Backbone:
        """Make the backbone, with torch's own initial weights."""
        return resnet_v1e(self.block, self.base, self.blocks, self.planes)


@dataclass(frozen=True)
class MobileNetShape:
    """`stem` are the channels of its two halves; `blocks` and `planes` are those of the four stages."""

    stem: tuple[int, int]
    blocks: Four
    planes: Four

    def build(self) -> Backbone:
        """Make the backbone, with torch's own initial weights."""
        return mobilenet_v1(self.blocks, self.stem, self.planes)


@dataclass(frozen=True)
class Variant:
    """One row of the table: the backbone, the channels of the neck, the head."""

    backbone: ResNetShape | MobileNetShape
    neck: int
    head: HeadShape


_500M = MobileNetShape((16, 16), (2, 3, 2, 6), (40, 72, 152, 288))
_1G = MobileNetShape((32, 48), (3, 2, 1, 5), (48, 160, 216, 312))
_1_3G = ResNetShape(16, (3, 5, 3, 2), (16, 32, 40, 72))
_2_5G = ResNetShape(24, (3, 5, 3, 2), (24, 48, 48, 80))
_10G = ResNetShape(56, (3, 4, 2, 3), (56, 88, 88, 224))
_34G = ResNetShape(56, (17, 16, 2, 8), (56, 56, 144, 184), block="bottleneck")

_KPS = HeadShape(64, 2, keypoints=True)
_KPS_500M = replace(_KPS, separable=True, scaled=False)
_KPS_10G = replace(_KPS, features=80, depth=3)

VARIANTS: dict[str, Variant] = {
    "500m": Variant(_500M, 16, HeadShape(64, 2, groups=16, shared=True, separable=True)),
    "1g": Variant(_1G, 24, HeadShape(96, 2, groups=8, shared=True, separable=True)),
    "1gbn": Variant(_1G, 24, HeadShape(96, 2, separable=True)),
    "1.3g": Variant(_1_3G, 24, HeadShape(48, 2, groups=16, shared=True)),
    "2.5g": Variant(_2_5G, 24, HeadShape(64, 2, groups=16, shared=True)),
    "10g": Variant(_10G, 56, HeadShape(80, 3, groups=16, shared=True)),
    "34g": Variant(_34G, 128, HeadShape(256, 2, groups=32, shared=True)),
    "500m_bnkps": Variant(_500M, 16, _KPS_500M),
    "2.5g_bnkps": Variant(_2_5G, 24, _KPS),
    "10g_bnkps": Variant(_10G, 56, _KPS_10G),
    # Their author says that nothing but the norm differs from bnkps.
    "500m_gnkps": Variant(_500M, 16, replace(_KPS_500M, groups=16)),
    "2.5g_gnkps": Variant(_2_5G, 24, replace(_KPS, groups=16)),
    "10g_gnkps": Variant(_10G, 56, replace(_KPS_10G, groups=16)),
    "crowdhuman_2.5g_bnkps": Variant(_2_5G, 24, replace(_KPS, strides=(8, 16, 32, 64, 128), anchors=1)),
}


class SCRFD(nn.Module):
    """Images `[N, 3, H, W]`, float32, to scores, boxes and, in some variants, landmarks.

    H and W are multiples of the largest stride. The outputs are those of `SCRFDHead`: scores at all strides, then
    boxes, then landmarks, `[N, rows, C]`.
    """

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.backbone = variant.backbone.build()
        self.neck = PAFPN(self.backbone.channels, variant.neck, levels=len(variant.head.strides))
        self.bbox_head = SCRFDHead(variant.neck, variant.head)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Give two outputs for each stride, or three with landmarks."""
        outputs: tuple[Tensor, ...] = self.bbox_head(self.neck(self.backbone(images)))
        return outputs
