"""Pass: an output whose rows are clean, but filed under other frames, is sorted so that row n is frame n's."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import numpy as np
import onnx_ir as ir

from batchproof.surgery import constants
from batchproof.surgery.batch_layouts import BatchLayouts
from batchproof.surgery.outputs import succeed
from batchproof.surgery.passes import PassResult, Reason, RecognisedPass, changed, unchanged
from batchproof.surgery.shapes import image_input
from batchproof.validate.independence import BatchLayout, NoBatch


class SeparateFrames(RecognisedPass):
    """Append to every output that the proof finds to be `[A, N, S]`, viewed flat, what makes `[N, A * S]` of it.

    This is exact, whatever the graph does before it: the way out where no Reshape inside could be given another target.
    For one frame the content and its order stay the same, behind a first axis of length 1.
    """

    def call(self, model: ir.Model) -> PassResult:
        """Sort what needs it."""
        layouts = BatchLayouts.of(model)
        image = image_input(model, self._recognition.input_name)
        reasons = [_separate(model.graph, image, value, layouts) for value in list(model.graph.outputs)]
        return PassResult.of(model, reasons, otherwise="the graph has no outputs")


def _separate(graph: ir.Graph, image: ir.Value, output: ir.Value, layouts: BatchLayouts) -> Reason:
    layout = layouts.of_value(output)
    if isinstance(layout, NoBatch):
        return unchanged(output.name, layout.reason)
    if layout.axis == 0:
        return unchanged(output.name, f"its rows are filed by frame already, {layout.shape}")
    if layout.axis is not None:
        order = [layout.axis, *(axis for axis in range(len(layout.dims)) if axis != layout.axis)]
        _replace(graph, output, _Tail(output).add("Transpose", [output], perm=order))
        return changed(output.name, f"the batch, axis {layout.axis} of {layout.shape}, becomes the first axis")
    if layout.outer is None and layout.inner is None:
        return unchanged(output.name, f"both sides of the batch in {layout.shape} follow the size of the image")
    _replace(graph, output, _deinterleave(graph, image, output, layout))
    return changed(output.name, f"the rows of the frames, interleaved in {layout.shape}, are sorted by frame")


@dataclass
class _Tail:
    """Nodes to be appended behind one output, named after it."""

    output: ir.Value
    nodes: list[ir.Node] = field(default_factory=list)

    def add(self, op: str, inputs: list[ir.Value], **attributes: Any) -> _Tail:
        name = f"{self.output.name}/{op}_{len(self.nodes)}"
        self.nodes.append(ir.node(op, inputs, attributes, name=name))
        self.last.name = f"{name}_output"
        return self

    @property
    def last(self) -> ir.Value:
        return self.nodes[-1].outputs[0]


def _deinterleave(graph: ir.Graph, image: ir.Value, output: ir.Value, layout: BatchLayout) -> _Tail:
    def numbers(*entries: int) -> ir.Value:
        return constants.add(graph, f"{output.name}/numbers", np.array(entries, dtype=np.int64))

    tail = _Tail(output)
    batch = tail.add("Shape", [image]).add("Gather", [tail.last, numbers(0)], axis=0).last
    # One of the two is left open, the one that may follow the size of the image.
    outer, inner = (-1, layout.inner) if layout.inner is not None else (layout.outer, -1)
    blocks = tail.add("Concat", [numbers(outer or -1), batch, numbers(inner or -1)], axis=0).last
    tail.add("Reshape", [output, blocks]).add("Transpose", [tail.last], perm=[1, 0, 2])
    frames = tail.last
    rows = tail.add("Concat", [batch, numbers(-1, *_fixed_end(layout))], axis=0).last
    return tail.add("Reshape", [frames, rows])


def _fixed_end(layout: BatchLayout) -> list[int]:
    """Return the lengths behind the last axis that follows the batch or the image."""
    lengths = list(takewhile(lambda length: length is not None, reversed(layout.dims)))
    return [length for length in reversed(lengths) if length is not None]


def _replace(graph: ir.Graph, output: ir.Value, tail: _Tail) -> None:
    graph.extend(tail.nodes)
    succeed(graph, output, tail.last, inner=f"{output.name}_interleaved")
