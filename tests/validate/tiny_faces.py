"""The tiny landmark and attribute networks before insightface and behind surgery, and faces for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from batchproof.artifacts import onnx_file
from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.pictures import Picture
from batchproof.policy import load_policy
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.validate.face_sample import BoxedFace, FaceSample
from batchproof.validate.parity import ParitySettings
from batchproof.verdict import Status, Verdict
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec
from tests.pipeline.tiny_face_networks import batchable, tiny_face_network
from tests.pipeline.tiny_scrfd import picture

PICTURES = [Picture(f"{seed}.png", picture(150, 170 + seed * 40, seed)) for seed in range(3)]
# The last one reaches beyond its picture on every side, and the one before it lies outside.
_BOXES = ((20, 30, 80, 110), (60, 10.5, 149, 66), (-300, -200, -220, -90), (-30, -40, 400, 190))
FACES = tuple(
    BoxedFace(f"{each.name} face {index}", each.pixels, np.array(box, np.float32))
    for each in PICTURES
    for index, box in enumerate(_BOXES)
)
SAMPLE = FaceSample(FACES, f"{len(FACES)} faces")
SETTINGS = ParitySettings("model", load_policy().fp32, 5, DetectionSettings(64, 96))
HALF = ParitySettings("model", load_policy().fp16, 5)

Change = Callable[[Outputs], Outputs]


@dataclass(frozen=True)
class TinyNetwork:
    """The file that insightface runs, and what surgery made of it."""

    original: Path
    repaired: Path
    spec: ModelSpec

    def runner(self, change: Change = lambda outputs: outputs) -> Altered:
        return Altered(OnnxRuntimeRunner(self.repaired), change)

    def half(self) -> OnnxRuntimeRunner:
        return OnnxRuntimeRunner(to_fp16(onnx.load(self.repaired))[0].SerializeToString())

    def spec_with(self, **changes: Any) -> ModelSpec:
        """The spec with a wrong constant in its input."""
        return replace(self.spec, input=replace(self.spec.input, **changes))


class Altered:
    """A model whose outputs are changed on the way out; remembers the sizes of its batches."""

    name = "altered"

    def __init__(self, inner: OnnxRuntimeRunner, change: Change) -> None:
        self.inner, self.change = inner, change
        self.batches: list[int] = []

    def infer(self, images: Blob) -> Outputs:
        self.batches.append(len(images))
        return self.change(self.inner.infer(images))


def tiny_network(folder: Path, values: int, *, normalised: bool = True) -> TinyNetwork:
    """Write the network of so many outputs to `folder`."""
    original = tiny_face_network(folder / f"{values}.{normalised}.onnx", values, normalised=normalised)
    return TinyNetwork(original, batchable(original), recognise(onnx_file.read(original)).spec)


def by_check(verdicts: list[Verdict]) -> dict[str, Verdict]:
    assert {verdict.subject for verdict in verdicts} == {"model"}
    return {verdict.check.removeprefix("parity."): verdict for verdict in verdicts}


def failed(verdicts: dict[str, Verdict]) -> set[str]:
    return {check for check, verdict in verdicts.items() if verdict.status is not Status.PASS}


def not_a_number(original: Path, path: Path) -> Path:
    """A file whose outputs are NaN."""
    model = onnx.load(original)
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "fc1_bias")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(tuple(bias.dims), np.nan, np.float32), bias.name))
    onnx.save(model, path)
    return path
