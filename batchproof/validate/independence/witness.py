"""A concrete case for a refutation: two batches that differ in one frame, run on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from batchproof.errors import BatchproofError
from batchproof.runtime import Blob, OnnxRuntimeRunner
from batchproof.validate.independence.proof import Proof
from batchproof.verdict import Status

_FRAMES = 3
# Where the model leaves its height and width free: a multiple of 32, not square.
_OPEN_DIMS = (3, 64, 96)


@dataclass(frozen=True)
class Witness:
    """Changing frame `changed` of a batch of `batch` changed row `row` of `output` by up to `amount`.

    A row is the share of a frame: output `output` cut into `batch` equal pieces. `row` and `amount` are None when the
    output has no such shares; `sentence` always tells what was seen.
    """

    output: str
    batch: int
    changed: int
    row: int | None
    amount: float | None
    sentence: str


@dataclass(frozen=True)
class NoWitness:
    """Why there is none."""

    reason: str


def witness(model: onnx.ModelProto, proof: Proof) -> Witness | NoWitness:
    """Find a witness for a refuted `model` by running it, opened for any batch, with every optimisation off.

    Needs ONNX Runtime; a missing one raises `MissingDependencyError`. `model` is not changed.
    """
    if proof.status is not Status.REFUTED:
        return NoWitness(f"the graph is not refuted, the proof says {proof.status.value}")
    opened = _opened(model)
    images = [value for value in opened.graph.input if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT]
    if len(images) != 1 or len(opened.graph.input) != 1:
        return NoWitness("only graphs with one float32 input are run")
    frames = _frames(images[0])
    try:
        runner = OnnxRuntimeRunner(opened.SerializeToString(), optimised=False)
        before = runner.infer(frames)
        for changed, after in _changed_batches(runner, frames):
            for output, rows in before.items():
                if found := _compared(output, rows, after[output], changed):
                    return found
    except (BatchproofError, ValueError) as error:
        return NoWitness(f"a batch of {_FRAMES} does not run: {error}")
    return NoWitness(f"no row of another frame changed in batches of {_FRAMES} random frames")


def _opened(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without recorded shapes, its inputs with an open batch and no initialisers among them."""
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    constants = {tensor.name for tensor in opened.graph.initializer}
    inputs = [value for value in opened.graph.input if value.name not in constants]
    del opened.graph.input[:]
    del opened.graph.value_info[:]
    opened.graph.input.extend(inputs)
    for value in opened.graph.input:
        if value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "N"
    for value in opened.graph.output:
        value.type.tensor_type.ClearField("shape")
    return opened


def _frames(image: onnx.ValueInfoProto) -> Blob:
    declared = [dim.dim_value for dim in image.type.tensor_type.shape.dim[1:]]
    inner = [dim if dim > 0 else default for dim, default in zip(declared, _OPEN_DIMS, strict=False)]
    return np.random.default_rng(0).normal(0, 1, (_FRAMES, *inner)).astype(np.float32)


def _changed_batches(runner: OnnxRuntimeRunner, frames: Blob) -> Iterator[tuple[int, dict[str, NDArray[np.float32]]]]:
    other = np.random.default_rng(1).normal(0, 1, frames.shape).astype(np.float32)
    for changed in range(len(frames)):
        batch = frames.copy()
        batch[changed] = other[changed]
        yield changed, runner.infer(batch)


def _compared(output: str, before: NDArray[np.float32], after: NDArray[np.float32], changed: int) -> Witness | None:
    """Compare shares, then the number of rows."""
    if before.shape != after.shape or before.size % _FRAMES:
        sentence = (
            f"output '{output}' is {list(before.shape)} for a batch of {_FRAMES}, which {_FRAMES} frames cannot share"
        )
        return Witness(output, _FRAMES, changed, None, None, sentence)
    amounts = np.abs(after.astype(np.float64) - before).reshape(_FRAMES, -1).max(axis=1)
    amounts[changed] = 0
    row = int(amounts.argmax())
    if amounts[row] > 0:
        what = f"another frame {changed} in a batch of {_FRAMES} changes the share of frame {row}"
        sentence = f"{what} in output '{output}' by up to {amounts[row]:.3g}"
        return Witness(output, _FRAMES, changed, row, float(amounts[row]), sentence)
    if not before.ndim or len(before) != _FRAMES:
        sentence = (
            f"output '{output}' is {list(before.shape)} for a batch of {_FRAMES}: it has not one row for each frame"
        )
        return Witness(output, _FRAMES, changed, None, None, sentence)
    return None
