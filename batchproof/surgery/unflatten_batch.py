"""Pass: a Reshape that strings the rows of all frames together keeps the batch as first axis instead."""

from __future__ import annotations

import onnx_ir as ir

from batchproof.surgery import constants
from batchproof.surgery.batch_layouts import BatchLayouts
from batchproof.surgery.passes import PassResult, Reason, SurgeryPass, changed, unchanged
from batchproof.surgery.retarget import Retarget, Target, apply, fixed_target, reshapes
from batchproof.validate.independence import BatchLayout, NoBatch

_CELLS_FIRST, _BATCH_FIRST = (2, 3, 0, 1), (0, 2, 3, 1)

# Operators that read a tensor element by element: they do not notice that it has one more axis in front.
_ELEMENTWISE = {"Abs", "Cast", "Clip", "Exp", "HardSigmoid", "Identity", "LeakyRelu", "Neg", "Relu", "Sigmoid", "Tanh"}
_ELEMENTWISE_WITH_CONSTANT = {"Add", "Div", "Mul", "Sub"}


class UnflattenBatch(SurgeryPass):
    """Give the rows of each frame an axis of their own: `[-1, C]` becomes `[0, -1, C]`.

    `Transpose [2, 3, 0, 1]` before it, which puts the batch between cells and channels, becomes `[0, 2, 3, 1]`. For one
    frame the content and its order stay the same. A Reshape is touched only where the proof sees the batch on axis 0,
    and where nothing that follows would notice one more axis.
    """

    def call(self, model: ir.Model) -> PassResult:
        """Rewrite until nothing changes: one repaired Reshape shows where the batch is in the next one's input."""
        pending = reshapes(model)
        reasons: dict[ir.Node, Reason] = {}
        while pending:
            layouts = BatchLayouts.of(model)
            plans = {node: _plan(node, layouts) for node in pending}
            retargets = [plan for plan in plans.values() if isinstance(plan, Retarget)]
            apply(model.graph, retargets)
            reasons.update({node: _reason(node, plan) for node, plan in plans.items()})
            pending = [node for node in pending if isinstance(plans[node], Reason)] if retargets else []
        return PassResult.of(model, reasons.values(), otherwise="the graph has no Reshape")


def _reason(node: ir.Node, plan: Retarget | Reason) -> Reason:
    return plan if isinstance(plan, Reason) else changed(node.name, plan.sentence)


def _plan(node: ir.Node, layouts: BatchLayouts) -> Retarget | Reason:
    target = fixed_target(node)
    if isinstance(target, Reason):
        return target
    if target[:1] == (0,):
        return unchanged(node.name, f"its target {list(target)} copies the first axis")
    transpose = _cells_first(node)
    if transpose is not None and _rows(target):
        return _plan_transposed(node, transpose, target, layouts)
    return _plan_plain(node, target, layouts)


def _cells_first(node: ir.Node) -> ir.Node | None:
    """Return the Transpose `[2, 3, 0, 1]` that feeds `node`."""
    producer = node.inputs[0].producer() if node.inputs[0] is not None else None
    if producer is None or producer.op_type != "Transpose":
        return None
    return producer if tuple(producer.attributes.get_ints("perm", ())) == _CELLS_FIRST else None


def _rows(target: Target) -> bool:
    """Tell whether the target is rows of known width, `[-1, C]` or `[1, -1, C]`, be their number left open or not."""
    flat, frozen = len(target) == 2 and target[0] != 1, len(target) == 3 and target[0] == 1
    return (flat or frozen) and target[-1] > 0


def _plan_transposed(node: ir.Node, transpose: ir.Node, target: Target, layouts: BatchLayouts) -> Retarget | Reason:
    if obstacle := _not_first(layouts.of_value(transpose.inputs[0]), transpose.inputs[0]):
        return unchanged(node.name, obstacle)
    if other := _other_reader(transpose):
        return unchanged(node.name, f"{_name(other)} also reads '{transpose.name}' and expects its order of axes")
    if len(target) == 2 and (reader := _reader_of_rank(node.outputs[0])):
        return unchanged(node.name, f"{_name(reader)} would read its rows along another axis")
    new = (0, -1, target[-1])
    sentence = (
        f"'{transpose.name}' puts the batch between cells and channels, so that the rows of the frames interleave; "
        f"with order {list(_BATCH_FIRST)} and target {list(new)} in place of {list(target)} each frame keeps its rows"
    )
    return Retarget(node, new, sentence, transpose, _BATCH_FIRST)


def _other_reader(transpose: ir.Node) -> ir.Node | None:
    """Return a reader of the transposed tensor that is not a Reshape to rows of known width."""
    for reader in transpose.outputs[0].consumers():
        content = constants.read(constants.input_of(reader, 1)) if reader.op_type == "Reshape" else None
        if content is None or not _rows(tuple(content.tolist())):
            return reader
    return None


def _plan_plain(node: ir.Node, target: Target, layouts: BatchLayouts) -> Retarget | Reason:
    source = layouts.of_value(node.inputs[0])
    if obstacle := _not_first(source, node.inputs[0]):
        return unchanged(node.name, obstacle)
    frame = source.frame if isinstance(source, BatchLayout) else None
    flat = len(target) == 2 and target[-1] > 0 and (target[0] == -1 or target[0] * target[1] == frame)
    if not flat:
        return unchanged(node.name, f"its target {list(target)} strings no rows together")
    if frame == target[-1]:
        return unchanged(node.name, f"its target {list(target)} gives one row to each frame")
    if reader := _reader_of_rank(node.outputs[0]):
        return unchanged(node.name, f"{_name(reader)} would read its rows along another axis")
    new = (0, -1, target[-1])
    return Retarget(node, new, f"target {list(target)} strings the rows of all frames together, {list(new)} does not")


def _not_first(layout: BatchLayout | NoBatch, value: ir.Value | None) -> str | None:
    if isinstance(layout, NoBatch):
        return layout.reason
    if layout.axis == 0 or value is None:
        return None
    return f"the batch is not the first axis of its input '{value.name}' {layout.shape}"


def _reader_of_rank(value: ir.Value) -> ir.Node | None:
    """Return the first node downstream that would notice a new axis in front of `value`."""
    reached = [value]
    for tensor in reached:
        for reader in tensor.consumers():
            if not _is_elementwise(reader, tensor):
                return reader
            reached.append(reader.outputs[0])
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
