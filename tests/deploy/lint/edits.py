"""Edits that break a bundle: each one thing, in one place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.deploy.lint.bundles import DETECTOR, EMBEDDER

Edit = Callable[[Path], None]


def replaced(file: str, *pairs: tuple[str, str]) -> Edit:
    """Write other words into a file; each must be there exactly once."""

    def edit(root: Path) -> None:
        text = (root / file).read_text(encoding="utf-8")
        for old, new in pairs:
            assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
            text = text.replace(old, new)
        (root / file).write_text(text, encoding="utf-8")

    return edit


def without(file: str, line: str) -> Edit:
    """Leave a line away."""
    return replaced(file, (f"{line}\n", ""))


def added(file: str, line: str, after: str = "[property]") -> Edit:
    """Write one more line behind another."""
    return replaced(file, (f"{after}\n", f"{after}\n{line}\n"))


def put(file: str, content: str | bytes = b"\0") -> Edit:
    """Write a file."""

    def edit(root: Path) -> None:
        (root / file).parent.mkdir(exist_ok=True)
        (root / file).write_bytes(content.encode() if isinstance(content, str) else content)

    return edit


def release(name: str) -> Edit:
    """Say in the manifest which DeepStream the bundle is for."""
    return put("manifest.json", f'{{"target": "deepstream-{name}"}}')


def embedder_batch(size: int) -> Edit:
    """Make all that is said of the embedder's batch say another number."""
    return together(
        replaced("configs/sgie.txt", ("batch-size=8", f"batch-size={size}"), ("onnx_b8_", f"onnx_b{size}_")),
        replaced("configs/preprocess.txt", ("8;3;112;112", f"{size};3;112;112")),
    )


def removed(file: str) -> Edit:
    """Delete a file."""
    return lambda root: (root / file).unlink()


def together(*edits: Edit) -> Edit:
    """Do several edits that are one mistake."""

    def edit(root: Path) -> None:
        for one in edits:
            one(root)

    return edit


def graph(file: str, change: Callable[[onnx.ModelProto], None]) -> Edit:
    """Change an ONNX file."""

    def edit(root: Path) -> None:
        model = onnx.load(root / file)
        change(model)
        onnx.save(model, root / file)

    return edit


def _rows_for_batch(model: onnx.ModelProto) -> None:
    """Reshape every output to `[rows, channels]`, as the published files do."""
    for weight in model.graph.initializer:
        if weight.name.endswith("_shape"):
            channels = numpy_helper.to_array(weight)[-1]
            weight.CopyFrom(numpy_helper.from_array(np.array([-1, channels]), weight.name))
    for output in model.graph.output:
        del output.type.tensor_type.shape.dim[0]


def _minus_mean_of_batch(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = "raw"
    mean = helper.make_node("ReduceMean", ["raw"], ["mean"], axes=[0], keepdims=1)
    model.graph.node.extend([mean, helper.make_node("Sub", ["raw", "mean"], ["embedding"])])


def fixed_batch(size: int) -> Edit:
    """Give the embedder a batch of its own."""

    def change(model: onnx.ModelProto) -> None:
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = size

    return graph(EMBEDDER, change)


def _half_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    for node in model.graph.node:
        node.input[0] = "input_as_float" if node.input[0] == "input" else node.input[0]
    cast = helper.make_node("Cast", ["input"], ["input_as_float"], to=TensorProto.FLOAT)
    nodes = [cast, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _second_input(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = "raw"
    model.graph.node.append(helper.make_node("Add", ["raw", "bias"], ["embedding"]))
    model.graph.input.append(helper.make_tensor_value_info("bias", TensorProto.FLOAT, [1, 64]))


stock_scrfd = graph(DETECTOR, _rows_for_batch)
mixing_embedder = graph(EMBEDDER, _minus_mean_of_batch)
half_detector = graph(DETECTOR, _half_input)
two_inputs = graph(EMBEDDER, _second_input)
half_embedder = graph(EMBEDDER, _half_input)
