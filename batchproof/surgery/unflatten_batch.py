"""Pass: a Reshape that folds the batch into the rows, or freezes it at one, keeps it as the first axis instead."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from batchproof.surgery import constants
from batchproof.surgery.passes import PassResult, Reason, SurgeryPass, changed, unchanged
from batchproof.surgery.shapes import BatchShapes, ImageSize

_CELLS_FIRST, _BATCH_FIRST = (2, 3, 0, 1), (0, 2, 3, 1)

# Operators that read a tensor element by element: they do not notice that it has one more axis in front.
_ELEMENTWISE = {"Abs", "Cast", "Clip", "Exp", "HardSigmoid", "Identity", "LeakyRelu", "Neg", "Relu", "Sigmoid", "Tanh"}
_ELEMENTWISE_WITH_CONSTANT = {"Add", "Div", "Mul", "Sub"}


@dataclass(frozen=True)
class Retarget:
    """The decision to give a Reshape another target, and the Transpose before it another order."""

    node: ir.Node
    target: tuple[int, ...]
    sentence: str
    transpose: ir.Node | None = None


class UnflattenBatch(SurgeryPass):
    """Rewrite the constant targets of Reshape so that entry 0 copies the batch.

    `Transpose [2, 3, 0, 1]` and `Reshape [-1, C]` become `Transpose [0, 2, 3, 1]` and `Reshape [0, -1, C]`; `[1, ...]`
    becomes `[0, ...]`. For one frame the content and its order stay the same. A Reshape is touched only where shape
    inference sees the batch on axis 0.
    """

    def __init__(self, size: ImageSize) -> None:
        self._size = size

    def call(self, model: ir.Model) -> PassResult:
        """Rewrite until nothing changes: one repaired Reshape shows where the batch is in the next one's input."""
        pending = [node for node in model.graph if node.op_type == "Reshape" and node.domain == ""]
        reasons: dict[ir.Node, Reason] = {node: unchanged(node.name, "it was not reached") for node in pending}
        while pending:
            shapes = BatchShapes.of(model, self._size)
            plans = {node: _plan(node, shapes) for node in pending}
            retargets = [plan for plan in plans.values() if isinstance(plan, Retarget)]
            _apply(model.graph, retargets)
            reasons.update({node: _reason(node, plan) for node, plan in plans.items()})
            pending = [node for node in pending if isinstance(plans[node], Reason)] if retargets else []
        return PassResult.of(model, reasons.values(), otherwise="the graph has no Reshape")


def _reason(node: ir.Node, plan: Retarget | Reason) -> Reason:
    return plan if isinstance(plan, Reason) else changed(node.name, plan.sentence)


def _plan(node: ir.Node, shapes: BatchShapes) -> Retarget | Reason:
    content = constants.read(constants.input_of(node, 1))
    if content is None:
        return unchanged(node.name, "its target is computed in the graph")
    target = tuple(int(entry) for entry in content.tolist())
    if node.attributes.get_int("allowzero", 0) and 0 in target:
        return unchanged(node.name, f"with allowzero the 0 in its target {list(target)} is a length")
    if target[:1] == (0,):
        return unchanged(node.name, f"its target {list(target)} copies the first axis")
    transpose = _cells_first(node)
    if transpose is not None and _rows(target):
        return _plan_transposed(node, transpose, target, shapes)
    return _plan_plain(node, target, shapes)


def _cells_first(node: ir.Node) -> ir.Node | None:
    """Return the Transpose `[2, 3, 0, 1]` that feeds `node`."""
    producer = node.inputs[0].producer() if node.inputs[0] is not None else None
    if producer is None or producer.op_type != "Transpose":
        return None
    return producer if tuple(producer.attributes.get_ints("perm", ())) == _CELLS_FIRST else None


def _rows(target: tuple[int, ...]) -> bool:
    """Tell whether the target is rows of known width, `[-1, C]` or `[1, -1, C]`, be their number left open or not."""
    flat, frozen = len(target) == 2 and target[0] != 1, len(target) == 3 and target[0] == 1
    return (flat or frozen) and target[-1] > 0


def _plan_transposed(
    node: ir.Node, transpose: ir.Node, target: tuple[int, ...], shapes: BatchShapes
) -> Retarget | Reason:
    if shapes.batch_axis(transpose.inputs[0]) != 0:
        return unchanged(node.name, _no_batch(transpose.inputs[0], shapes))
    if other := _other_reader(transpose):
        return unchanged(node.name, f"{_name(other)} also reads '{transpose.name}' and expects its order of axes")
    if len(target) == 2 and (reader := _reader_of_rank(node.outputs[0])):
        return unchanged(node.name, f"{_name(reader)} would read its rows along another axis")
    new = (0, -1, target[-1])
    sentence = (
        f"'{transpose.name}' puts the batch between cells and channels, so that the rows of the frames interleave; "
        f"with order {list(_BATCH_FIRST)} and target {list(new)} in place of {list(target)} each frame keeps its rows"
    )
    return Retarget(node, new, sentence, transpose)


def _other_reader(transpose: ir.Node) -> ir.Node | None:
    """Return a reader of the transposed tensor that is not a Reshape to rows of known width."""
    for reader in transpose.outputs[0].consumers():
        content = constants.read(constants.input_of(reader, 1)) if reader.op_type == "Reshape" else None
        if content is None or not _rows(tuple(content.tolist())):
            return reader
    return None


def _plan_plain(node: ir.Node, target: tuple[int, ...], shapes: BatchShapes) -> Retarget | Reason:
    source = node.inputs[0]
    if shapes.batch_axis(source) != 0:
        return unchanged(node.name, _no_batch(source, shapes))
    if target[0] == 1:
        new = (0, -1, target[-1]) if _rows(target) else (0, *target[1:])
        return Retarget(node, new, f"target {list(target)} freezes the batch at one frame, {list(new)} copies it")
    frame = math.prod(dim or 0 for dim in (shapes.dims(source) or ())[1:])
    if not _rows(target) or (-1 not in target and math.prod(target) != frame):
        return unchanged(node.name, f"its target {list(target)} fits no known way to flatten a batch")
    if frame == target[-1]:
        return unchanged(node.name, f"its target {list(target)} gives one row to each frame")
    if reader := _reader_of_rank(node.outputs[0]):
        return unchanged(node.name, f"{_name(reader)} would read its rows along another axis")
    new = (0, -1, target[-1])
    return Retarget(node, new, f"target {list(target)} strings the rows of all frames together, {list(new)} does not")


def _no_batch(value: ir.Value | None, shapes: BatchShapes) -> str:
    if value is None:
        return "it has no input"
    if constants.read(value) is not None:
        return f"its input '{value.name}' is a constant"
    dims = shapes.dims(value)
    if dims is None or None in dims:
        return f"shape inference cannot tell where the batch is in its input '{value.name}' {shapes.show(value)}"
    return f"the batch is not the first axis of its input '{value.name}' {shapes.show(value)}"


def _reader_of_rank(value: ir.Value) -> ir.Node | None:
    """Return the first node downstream that would notice a new axis in front of `value`."""
    for reader in value.consumers():
        if not _is_elementwise(reader, value):
            return reader
        if found := _reader_of_rank(reader.outputs[0]):
            return found
    return None


def _is_elementwise(node: ir.Node, value: ir.Value) -> bool:
    if node.op_type in _ELEMENTWISE:
        return node.inputs[0] is value
    if node.op_type not in _ELEMENTWISE_WITH_CONSTANT:
        return False
    # A constant of more axes than the rows have now would meet the new axis.
    others = [constants.read(other) for other in node.inputs if other is not value]
    return len(others) == 1 and others[0] is not None and others[0].ndim <= 2


def _name(node: ir.Node) -> str:
    return f"{node.op_type} '{node.name}'"


def _apply(graph: ir.Graph, retargets: Iterable[Retarget]) -> None:
    """Write the new targets, one constant for all Reshapes that share the old one and get the same new one."""
    groups: dict[tuple[ir.Value, tuple[int, ...]], list[ir.Node]] = {}
    for retarget in retargets:
        if retarget.transpose is not None:
            retarget.transpose.attributes.add(ir.AttrInt64s("perm", _BATCH_FIRST))
        # torch's newer exporter sets it on every Reshape; without a 0 in the old target it means nothing there.
        retarget.node.attributes.pop("allowzero", None)
        shape_input = retarget.node.inputs[1]
        if shape_input is not None:
            groups.setdefault((shape_input, retarget.target), []).append(retarget.node)
    for (old, target), nodes in groups.items():
        new = constants.rewrite(graph, old, np.array(target, dtype=np.int64), readers=nodes)
        for node in nodes:
            node.replace_input_with(1, new)
