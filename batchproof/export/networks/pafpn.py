"""SCRFD's neck: a path-aggregating feature pyramid over three levels of the backbone, and coarser ones where asked.

Module names are those of the official checkpoints, `neck.` apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import interpolate


class PAFPN(nn.Module):
    """Lateral 1x1 convolutions, a way down to the fine level, a way up again; no norm and no activation anywhere.

    Each of the `levels` beyond those of `inputs` is made from the one before it, at half its size.
    """

    def __init__(self, inputs: Sequence[int], outputs: int, levels: int) -> None:
        super().__init__()
        strides = [1] * len(inputs) + [2] * (levels - len(inputs))
        self.lateral_convs = nn.ModuleList(_Conv(channels, outputs, 1) for channels in inputs)
        self.fpn_convs = nn.ModuleList(_Conv(outputs, outputs, 3, stride=stride) for stride in strides)
        self.downsample_convs = nn.ModuleList(_Conv(outputs, outputs, 3, stride=2) for _ in inputs[1:])
        self.pafpn_convs = nn.ModuleList(_Conv(outputs, outputs, 3) for _ in inputs[1:])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Map `[N, inputs[i], H / s, W / s]`, finest first, to `outputs` channels at these and the coarser sizes."""
        laterals = [conv(level) for conv, level in zip(self.lateral_convs, maps, strict=True)]
        for fine in range(len(laterals) - 2, -1, -1):
            # Training interpolates to the size of the finer map, which is twice this one's where H and W are multiples
            # of 32. The constant factor keeps the size, and with it the batch, out of the exported graph.
            laterals[fine] = laterals[fine] + interpolate(laterals[fine + 1], scale_factor=2.0, mode="nearest")
        inner = [conv(level) for conv, level in zip(self.fpn_convs[: len(maps)], laterals, strict=True)]
        for fine, conv in enumerate(self.downsample_convs):
            inner[fine + 1] = inner[fine + 1] + conv(inner[fine])
        levels = [inner[0], *(conv(level) for conv, level in zip(self.pafpn_convs, inner[1:], strict=True))]
        for conv in self.fpn_convs[len(maps) :]:
            levels.append(conv(levels[-1]))
        return levels


class _Conv(nn.Module):
    """A padded convolution with bias, under the name `conv`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        convolved: Tensor = self.conv(x)
        return convolved
