"""What a graph really does with its batch, on ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnx

from batchproof.errors import BatchproofError
from batchproof.runtime import OnnxRuntimeRunner

Array = np.ndarray


def violation(model: onnx.ModelProto, frame: tuple[int, ...], batches: tuple[int, ...] = (1, 2, 3, 5)) -> str | None:
    """Say how the first output breaks `row n = f(frame n)`; None when no batch shows it. Raises `BatchproofError`."""
    runner = OnnxRuntimeRunner(model.SerializeToString(), optimised=False)
    random = np.random.default_rng(0)
    frames = random.normal(0, 1, (max(batches), *frame)).astype(np.float32)
    alone = [_rows(runner, frames[index : index + 1]) for index in range(len(frames))]
    for size in batches:
        try:
            rows = _rows(runner, frames[:size])
        except BatchproofError as error:
            return f"a batch of {size} does not run: {error}"
        if rows.ndim == 0 or len(rows) != size:
            return f"{rows.shape} for a batch of {size}"
        for slot in range(size):
            if rows[slot].shape != alone[slot][0].shape or not _close(rows[slot], alone[slot][0]):
                return f"row {slot} of {size} is not what frame {slot} gives alone"
        if found := _influence(runner, frames[:size], rows, random):
            return found
    return None


def influence(model: onnx.ModelProto, frame: tuple[int, ...], size: int) -> str | None:
    """Say which frame of a batch of `size` changes the rows of others, for graphs that refuse a batch of one."""
    runner = OnnxRuntimeRunner(model.SerializeToString(), optimised=False)
    random = np.random.default_rng(0)
    frames = random.normal(0, 1, (size, *frame)).astype(np.float32)
    return _influence(runner, frames, _rows(runner, frames), random)


def not_a_number(model: onnx.ModelProto, frame: tuple[int, ...]) -> str | None:
    """Name a tensor with a NaN for random frames: runtimes compare those in any order, so that slots may differ."""
    open_model = onnx.ModelProto()
    open_model.CopyFrom(model)
    names = [name for node in model.graph.node for name in node.output]
    del open_model.graph.output[:]
    open_model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    runner = OnnxRuntimeRunner(open_model.SerializeToString(), optimised=False)
    frames = np.random.default_rng(0).normal(0, 1, (5, *frame)).astype(np.float32)
    found = (name for name, array in runner.infer(frames).items() if array.dtype.kind == "f" and np.isnan(array).any())
    return next(found, None)


def _influence(runner: OnnxRuntimeRunner, frames: Array, rows: Array, random: np.random.Generator) -> str | None:
    for victim in range(len(frames)):
        for content in (np.nan, random.normal(0, 9, frames.shape[1:])):
            changed = frames.copy()
            changed[victim] = content
            others = [slot for slot in range(len(frames)) if slot != victim]
            if not np.array_equal(_rows(runner, changed)[others], rows[others], equal_nan=True):
                return f"frame {victim} of {len(frames)} influences other rows"
    return None


def _rows(runner: OnnxRuntimeRunner, frames: Array) -> Array:
    return np.asarray(next(iter(runner.infer(frames).values())))


def _close(first: Array, second: Array) -> bool:
    return bool(np.allclose(first, second, rtol=1e-3, atol=1e-4, equal_nan=True))
