"""Chains of steps as models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from hypothesis import strategies as st
from onnx import helper

from tests.validate.independence.random_graphs.builder import STEPS, Builder, Step, same

_OPSETS = [12, 13, 17, 18, 21, 23, 26]
_FRAMES = [(4,), (4, 6), (6, 4), (2, 4, 6), (1, 6), (4, 1, 2), (4, 4, 4)]


@dataclass(frozen=True)
class RandomGraph:
    """A model whose only output is its last tensor, and the frame that it was made for; the file may leave it open."""

    model: onnx.ModelProto
    frame: tuple[int, ...]


@st.composite
def graphs(draw: st.DrawFn, steps: Sequence[Step] = STEPS, most: int = 12) -> RandomGraph:
    """A graph of up to `most` steps, with the batch in front when careful."""
    b = Builder(draw, draw(st.sampled_from(_OPSETS)), draw(st.integers(0, 3)) > 0, draw(st.sampled_from(_FRAMES)))
    for _ in range(draw(st.integers(1, most))):
        b.pick(steps)(b)
    if b.last() == "image":
        b.offer(b.node("Relu", "image"), same, "image")
    if b.careful:
        _batch_in_front(b)
    return RandomGraph(_model(b, b.last()), b.frame)


def _batch_in_front(b: Builder) -> None:
    last = b.last()
    shapes = b.shape(last, 2), b.shape(last, 5)
    followers = [axis for axis, pair in enumerate(zip(*shapes, strict=True)) if pair == (2, 5)]
    if followers and followers[0] > 0:
        perm = [followers[0], *(axis for axis in range(b.rank(last)) if axis != followers[0])]
        b.offer(b.node("Transpose", last, perm=perm), lambda x: x.transpose(perm), last)


def _model(b: Builder, last: str) -> onnx.ModelProto:
    """One graph in four leaves the lengths of its frames open."""
    named = b.integer(0, 3) == 0
    frame = [f"length{axis}" if named else length for axis, length in enumerate(b.frame)]
    image = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["N", *frame])
    output = helper.make_tensor_value_info(last, onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph(_needed(b.nodes, last), "random", [image], [output], b.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", b.opset)], ir_version=8)


def _needed(nodes: list[onnx.NodeProto], output: str) -> list[onnx.NodeProto]:
    """Without what the output does not need: ONNX Runtime would run it, and refuse batches for its sake."""
    wanted, kept = {output}, list[onnx.NodeProto]()
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.insert(0, node)
            wanted.update(node.input)
            wanted.update(name for each in node.attribute for inner in each.g.node for name in inner.input)
    return kept
