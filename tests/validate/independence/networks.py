"""Small torch networks in the forms of the face families, and one as deep as ResNet-100."""

from __future__ import annotations

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.validate.independence.families import exporting

SIDE = 32


class Residual(nn.Module):
    """ResNet: strided conv, batch norm, residual, global pool, flatten, linear."""

    def __init__(self, blocks: int = 1) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, 1, 1), nn.BatchNorm2d(8), nn.PReLU(8), nn.BatchNorm2d(8)
            )
            for _ in range(blocks)
        )
        self.head = nn.Linear(8, 5)

    def forward(self, image: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.stem(image)))
        for block in self.blocks:
            x = x + block(x)
        result: Tensor = self.head(functional.adaptive_avg_pool2d(x, 1).flatten(1))
        return result


class Attention(nn.Module):
    """ViT: patches, class token, position, one attention, class token out."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.norm = nn.Conv2d(3, 16, 8, 8), nn.LayerNorm(16)
        self.token, self.position = nn.Parameter(torch.zeros(1, 1, 16)), nn.Parameter(torch.zeros(1, 17, 16))
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        batch, tokens, width = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(batch, tokens, 3, 4, width // 4).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q @ k.transpose(-2, -1) / 2).softmax(-1)
        result: Tensor = x + self.out((weights @ v).transpose(1, 2).reshape(batch, tokens, width))
        return result[:, 0]


class GroupNormed(nn.Module):
    """SCRFD's group norm, and an upsampling."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.up = nn.Conv2d(3, 8, 3, 1, 1), nn.GroupNorm(4, 8), nn.Upsample(scale_factor=2)

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.up(functional.avg_pool2d(self.norm(self.conv(image)), 2))
        return result.mean((2, 3))


class ChannelsLast(nn.Module):
    """The mask detector: NHWC in, flatten, softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8 * (SIDE // 2) ** 2, 2)

    def forward(self, image: Tensor) -> Tensor:
        x = functional.relu(self.conv(image.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)
        result: Tensor = self.head(x.reshape(image.shape[0], -1))
        return result.softmax(1)


class YoloHead(nn.Module):
    """YOLOv5-face: anchors as an axis, grid from the runtime shape, one row per anchor."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 48, 8, 8)

    def forward(self, image: Tensor) -> Tensor:
        x = self.conv(image)
        batch, _, height, width = x.shape
        x = x.view(batch, 3, 16, height, width).permute(0, 1, 3, 4, 2).sigmoid()
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        grid = torch.stack([columns, rows], -1)[None, None].to(x.dtype)
        return torch.cat([(x[..., :2] * 2 - 0.5 + grid) * 8, x[..., 2:]], -1).view(batch, -1, 16)


class Pyramid(nn.Module):
    """Interpolation to the size of another level, RetinaFace-like softmax rows."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        fine = self.fine(image)
        merged = fine + functional.interpolate(self.coarse(fine), size=fine.shape[-2:], mode="bilinear")
        result: Tensor = self.head(merged).permute(0, 2, 3, 1).reshape(image.shape[0], -1, 2)
        return result.softmax(-1)


NETWORKS: dict[str, type[nn.Module]] = {
    "residual": Residual,
    "attention": Attention,
    "group norm": GroupNormed,
    "channels last": ChannelsLast,
    "yolo head": YoloHead,
    "pyramid": Pyramid,
}


def exported(network: nn.Module, *, dynamic: bool, dynamo: bool = False, opset: int = 17) -> onnx.ModelProto:
    """Through torch's exporters, with a free batch or with one frame."""
    frame = (SIDE, SIDE, 3) if isinstance(network, ChannelsLast) else (3, SIDE, SIDE)
    if dynamo:
        return exporting.exported_by_dynamo(network, frame)
    return exporting.exported(network, frame, exporting.BATCH if dynamic else None, opset=opset)
