"""Pass: a Reshape whose constant target was written for one frame gets a target that has room for any batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir

from batchproof.surgery.batch_layouts import BatchLayouts, without_weights
from batchproof.surgery.passes import PassResult, Reason, SurgeryPass, changed, unchanged
from batchproof.surgery.retarget import Retarget, Target, apply, fixed_target, reshapes
from batchproof.validate.independence import BatchLayout, NoBatch, layouts


@dataclass(frozen=True)
class _Choice:
    """Several targets have room for the batch, at different axes, in front of a Reshape of `source`."""

    node: ir.Node
    targets: tuple[Target, ...]
    source: BatchLayout

    def like(self, other: _Choice) -> bool:
        """Tell whether the same is to be decided: query, key and value of an attention must be decided as one."""
        return self.targets == other.targets and self.source == other.source


class ThawReshape(SurgeryPass):
    """Derive each frozen target from the layout `[outer, N, inner]` that the proof finds in front of the Reshape.

    A target for one frame that has a 1 where the batch belongs, behind `outer` elements, gets the batch there. One that
    has no such 1 merges the batch with an axis; where several are possible, that one is taken with which most
    tensors keep the frames apart. For one frame the content and its order stay the same.
    """

    def call(self, model: ir.Model) -> PassResult:
        """Thaw in the order of the graph: behind a frozen Reshape the proof cannot see where the batch is."""
        reasons: dict[ir.Node, Reason] = {}
        while True:
            known = BatchLayouts.of(model)
            plans = {node: _plan(node, known) for node in reshapes(model) if not _thawed(reasons.get(node))}
            reasons |= {node: plan for node, plan in plans.items() if isinstance(plan, Reason)}
            retargets = [plan for plan in plans.values() if isinstance(plan, Retarget)]
            choices = [plan for plan in plans.values() if isinstance(plan, _Choice)]
            if not retargets and choices:
                retargets = _furthest(model, [choice for choice in choices if choice.like(choices[0])])
            if not retargets:
                return PassResult.of(model, reasons.values(), otherwise="the graph has no Reshape")
            apply(model.graph, retargets)
            reasons |= {retarget.node: changed(retarget.node.name, retarget.sentence) for retarget in retargets}


def _thawed(reason: Reason | None) -> bool:
    return reason is not None and reason.changed


def _plan(node: ir.Node, known: BatchLayouts) -> Retarget | _Choice | Reason:
    target = fixed_target(node)
    if isinstance(target, Reason):
        return target
    source = known.of_value(node.inputs[0])
    if isinstance(source, NoBatch):
        return unchanged(node.name, source.reason)
    lengths = _lengths(target, source)
    if lengths is None:
        return unchanged(node.name, f"its target {list(target)} copies an axis that follows the batch or the image")
    place = _own_axis(lengths, source)
    if place is not None:
        return _at(node, target, place, source)
    if -1 in target or math.prod(lengths) != source.frame:
        return unchanged(node.name, f"its target {list(target)} is not written for one frame")
    targets = tuple(_opened(target, axis, -1) for axis in _shared_axes(lengths, source))
    return (
        _Choice(node, targets, source) if targets else unchanged(node.name, _NOWHERE.format(list(target), source.shape))
    )


_NOWHERE = "its target {} is for one frame, and no axis of it could take the batch of {}"


def _lengths(target: Target, source: BatchLayout) -> Target | None:
    """Replace each 0 by the length that it copies; None when that is not a number."""
    copied = [source.dims[axis] if entry == 0 else entry for axis, entry in enumerate(target)]
    known = tuple(length for length in copied if length is not None)
    return known if len(known) == len(target) else None


def _own_axis(lengths: Target, source: BatchLayout) -> int | None:
    """Return the axis of length 1 that has as many elements in front of it as the batch has."""
    ahead = 1
    for axis, length in enumerate(lengths):
        if length == 1 and ahead == source.outer:
            return axis
        if length == -1:
            return None
        ahead *= length
    return None


def _at(node: ir.Node, target: Target, axis: int, source: BatchLayout) -> Retarget | Reason:
    if axis != source.axis and -1 in target:
        return unchanged(node.name, f"its target {list(target)} leaves another axis open already")
    new = _opened(target, axis, 0 if axis == source.axis else -1)
    # A number where only -1 is left to infer: the rest of the frame may as well follow the size of the image.
    frozen_rows = axis == 0 and len(new) == 3 and -1 not in new and new[0] == 0
    new = (new[0], -1, new[2]) if frozen_rows else new
    return Retarget(node, new, f"target {list(target)} freezes the batch at one frame, {list(new)} does not")


def _shared_axes(lengths: Target, source: BatchLayout) -> list[int]:
    """Return the axes that would hold the batch as [a, N, s] if they took it in."""
    if source.outer is None:
        return []
    heads = [math.prod(lengths[:axis]) for axis in range(len(lengths))]
    return [
        axis
        for axis, (head, length) in enumerate(zip(heads, lengths, strict=True))
        if source.outer % head == 0 and length % (source.outer // head) == 0
    ]


def _opened(target: Target, axis: int, entry: int) -> Target:
    return (*target[:axis], entry, *target[axis + 1 :])


def _furthest(model: ir.Model, choices: list[_Choice]) -> list[Retarget]:
    targets = choices[0].targets
    # max takes the first of equals: here that is the innermost axis, where attention keeps its heads.
    best = max(reversed(targets), key=lambda target: _apart(_tried(model, choices, target)))
    sentence = (
        f"target {fixed_target(choices[0].node)} has room for one frame only; of {len(targets)} axes that could take "
        f"the batch in, most tensors keep the frames apart with {best}"
    )
    return [Retarget(choice.node, best, sentence) for choice in choices]


def _apart(model: onnx.ModelProto) -> int:
    """Count the tensors that hold the frames apart."""
    return sum(isinstance(layout, BatchLayout) for layout in layouts(model).values())


def _tried(model: ir.Model, choices: list[_Choice], target: Target) -> onnx.ModelProto:
    """Return the graph with another target for some of its Reshapes."""
    proto = without_weights(model)
    constant = onnx.numpy_helper.from_array(np.array(target, np.int64), f"{choices[0].node.outputs[0].name}_target")
    proto.graph.initializer.append(constant)
    made = {choice.node.outputs[0].name for choice in choices}
    for node in proto.graph.node:
        if node.output[:1] and node.output[0] in made:
            node.input[1] = constant.name
    return proto
