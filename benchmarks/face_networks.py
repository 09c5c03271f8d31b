"""How far landmark and attribute networks are from insightface, at the true depths: what the policy's limits rest on.

The published files may not be shipped, so the weights are seeded: batch normalisation calibrated on the faces
themselves, and a last layer that puts points about a mean face into the crop. `python -m benchmarks.face_networks
DETECTOR.onnx --images DIR` prints the table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from batchproof.artifacts import onnx_file
from batchproof.errors import BatchproofError
from batchproof.export.exporter import export_onnx
from batchproof.pipeline.blob import to_blob
from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.mean_face import mean_shape
from batchproof.pipeline.pictures import load_pictures
from batchproof.pipeline.upright import upright_crops
from batchproof.policy import load_policy
from batchproof.runtime import OnnxRuntimeRunner, Runner
from batchproof.surgery.fp16.emulation import emulated
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.repair import repair
from batchproof.validate.face_sample import FaceSample, found_faces
from batchproof.validate.judge import judge_parity
from batchproof.validate.oracle import OracleDetector
from batchproof.validate.parity import ParitySettings
from batchproof.verdict import Verdict
from batchproof.zoo import families
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec, Precision

_FACES = 64
_BATCH = 16
_MOBILENET = ((1, 1), (2, 2), (2, 1), (4, 2), (4, 1), (8, 2), *((8, 1),) * 5, (16, 2), (16, 1))
_RESNET = ((64, 3), (128, 4), (256, 6), (512, 3))
# Of the points about their mean, in half crops; of the values of genderage.
_SPREAD = 0.1


def main() -> None:
    """Measure the three networks on the faces of a folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.face_networks", description=__doc__)
    parser.add_argument("detector", type=Path, help="ONNX file of a detector")
    parser.add_argument("--images", type=Path, help="folder of pictures with faces (default: those of insightface)")
    given = parser.parse_args()
    pictures = load_pictures(given.images)
    finder = OracleDetector(given.detector, recognise(onnx_file.read(given.detector), given.detector).spec)
    sample = found_faces(pictures, finder, DetectionSettings(), _FACES)
    print("| network | precision | runner | check | measured | worst at |\n|---|---|---|---|---|---|")
    for name, (network, spec) in _networks().items():
        with tempfile.TemporaryDirectory() as folder:
            original = _written(network, spec, sample, Path(folder, f"{name}.onnx"))
            repaired = repair(onnx_file.read(original), recognise(onnx_file.read(original))).model
            for precision, way, runner in _runners(repaired):
                settings = ParitySettings(name, load_policy().limits(precision), _BATCH)
                for verdict in judge_parity(original, runner, spec, pictures, settings, finder):
                    print(f"| {name} | {precision} | {way} | {_row(verdict)} |", flush=True)


def _networks() -> dict[str, tuple[nn.Module, ModelSpec]]:
    torch.manual_seed(0)
    small = families.landmarks(size=192, channels=212, normalised_in_graph=True)
    large = families.landmarks(size=192, channels=3309, normalised_in_graph=True)
    genderage = families.genderage(size=96, normalised_in_graph=True)
    return {
        "2d106det": (_Network(_mobilenet(16), 16 * 16, _points(106, 2)), small),
        "1k3d68": (_Network(_resnet50(), 2048, _points(1103, 3)), large),
        "genderage": (_Network(_mobilenet(8), 16 * 8, torch.tensor([0.0, 0.0, 0.35])), genderage),
    }


class _Network(nn.Module):
    """Raw pixels to values: normalisation, features, mean over the map, and a layer about `centre`."""

    def __init__(self, features: nn.Module, channels: int, centre: Tensor) -> None:
        super().__init__()
        self.features, self.last = features, nn.Linear(channels, len(centre))
        nn.init.normal_(self.last.weight, std=_SPREAD * channels**-0.5)
        self.last.bias.data = centre

    def forward(self, data: Tensor) -> Tensor:
        pooled = self.features((data - 127.5) * 0.0078125).mean((2, 3))
        values: Tensor = self.last(pooled)
        return values


def _points(count: int, dimensions: int) -> Tensor:
    """Points of a face in half crops: those of the mean face, over and over, which is upright."""
    face = mean_shape() - mean_shape().mean(axis=0)
    face *= 0.6 / np.abs(face).max()
    # The last 68 are those that count, in order.
    return torch.from_numpy(np.resize(face[::-1], (count, 3))[::-1, :dimensions].copy().ravel())


def _mobilenet(width: int) -> nn.Sequential:
    layers, inputs = [_unit(3, width, 3, stride=2)], width
    for factor, stride in _MOBILENET:
        outputs = factor * width
        layers += [_unit(inputs, inputs, 3, stride=stride, groups=inputs), _unit(inputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers)


def _unit(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs, momentum=None), nn.PReLU(outputs))


def _resnet50() -> nn.Sequential:
    layers: list[nn.Module] = [_unit(3, 64, 7, stride=2), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for width, blocks in _RESNET:
        for index in range(blocks):
            layers.append(_Bottleneck(inputs, width, stride=2 if index == 0 and width > 64 else 1))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.BatchNorm2d(inputs, momentum=None), nn.ReLU())


class _Bottleneck(nn.Module):
    """Pre-activations: what is added is not normalised again, so it grows with depth."""

    def __init__(self, inputs: int, width: int, *, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        steps = ((inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1))
        self.steps = nn.Sequential(*(_preactivated(*step) for step in steps))
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs or stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        sum_: Tensor = self.steps(x) + (x if self.shortcut is None else self.shortcut(x))
        return sum_


def _preactivated(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.BatchNorm2d(inputs, momentum=None), nn.ReLU(), conv)


def _written(network: nn.Module, spec: ModelSpec, sample: FaceSample, path: Path) -> Path:
    """Calibrate on the crops, export, and name the nodes that normalise as MXNet does."""
    size = spec.input.height or 0
    blob = torch.from_numpy(to_blob(upright_crops(sample.pictures, sample.boxes, size)[0], spec.input))
    with torch.no_grad():
        network.train()(blob)
    export_onnx(network.eval(), spec, path, metadata={})
    model = onnx_file.read(path)
    for node in model.graph.node:
        node.name = {"Sub": "_minusscalar0", "Mul": "_mulscalar0"}.get(node.op_type, node.name)
    onnx.save(model, path)
    return path


def _runners(repaired: onnx.ModelProto) -> Iterator[tuple[Precision, str, Runner]]:
    whole, half = repaired.SerializeToString(), to_fp16(repaired)[0]
    yield "fp32", "optimised", OnnxRuntimeRunner(whole)
    yield "fp32", "unoptimised", OnnxRuntimeRunner(whole, optimised=False)
    yield "fp16", "executed", OnnxRuntimeRunner(half.SerializeToString())
    yield "fp16", "stored", OnnxRuntimeRunner(emulated(half).SerializeToString(), optimised=False)


def _row(verdict: Verdict) -> str:
    return " | ".join((verdict.check, verdict.measured, verdict.witness or ""))


if __name__ == "__main__":
    try:
        main()
    except BatchproofError as error:
        sys.exit(f"benchmarks: {error.line()}")
