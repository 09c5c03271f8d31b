"""From torch to ONNX in the ways in which the files in the wild were made."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from tests.validate.independence.families.form import Frame

# Axes of the input `image`, by what was left free.
BATCH, BATCH_AND_SPACE, SPACE = {0: "N"}, {0: "N", 2: "H", 3: "W"}, {2: "H", 3: "W"}


def exported(
    network: nn.Module, frame: Frame, free: dict[int, str] | None = None, *, opset: int = 17, names: Sequence[str] = ()
) -> onnx.ModelProto:
    """Through the TorchScript exporter, `free` axes declared as such; traced at batch 2 when the batch is free."""
    settings: dict[str, Any] = {"opset_version": opset, "output_names": list(names) or None, "dynamo": False}
    if free:
        settings["dynamic_axes"] = {"image": free}
    return _through_file(network, (2 if free and 0 in free else 1, *frame), settings)


def exported_by_dynamo(network: nn.Module, frame: Frame, *, opset: int | None = None) -> onnx.ModelProto:
    """Through the newer exporter, with a free batch."""
    settings = {"dynamic_shapes": ({0: torch.export.Dim("batch")},), "opset_version": opset, "verbose": False}
    return _through_file(network, (2, *frame), {**settings, "dynamo": True})


def _through_file(network: nn.Module, shape: Sequence[int], settings: dict[str, Any]) -> onnx.ModelProto:
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        file = Path(folder) / "network.onnx"
        torch.onnx.export(network.eval(), (torch.zeros(shape),), file, input_names=["image"], **settings)
        return onnx.load(file)
