"""The static proof that no frame of a batch influences another, for every batch size at once."""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from batchproof.validate.independence.domain import Batched, Cause, Free, Frozen, Kind, Lost, Unknown
from batchproof.validate.independence.interpreter import Scope
from batchproof.validate.independence.reading import UnreadableError, interpret
from batchproof.validate.independence.tensor import Tensor
from batchproof.validate.independence.trace import Trace
from batchproof.verdict import Status


@dataclass(frozen=True)
class OutputLayout:
    """How one output holds the batch: symbolic shape, and `batched [1, N, S]`, `mixed at ...` and so on."""

    name: str
    shape: str
    layout: str


@dataclass(frozen=True)
class Proof:
    """The answer, and where it was decided.

    `proven`: there is one function f, the same for every batch size N and every slot n, with row n of every output
    equal to f(frame n). It is about the constants of the file, also where an input may override them; about frames of
    the declared size for which no tensor is empty, and no quotient or rounded fraction of lengths that the graph
    computes is 0; and about batches that the graph runs, without overflow or rounding in its arithmetic on shapes,
    and without a NaN of the graph's own making, which some operators of ONNX Runtime carry further than numbers.
    `refuted`: `kind` tells whether content of several frames meets (`content`), or the rows are clean but filed under
    the wrong frame, or the graph runs for one batch size only (`layout`).
    `unknown`: `reason` names what the rules cannot follow.

    `node` (by name), `op` and `tensor` (its first output) are the culprit, the first in topological order; `path` are
    the tensors from the image input to `tensor`.
    """

    status: Status
    reason: str
    node: str | None = None
    op: str | None = None
    tensor: str | None = None
    kind: Kind | None = None
    path: tuple[str, ...] = ()
    outputs: tuple[OutputLayout, ...] = ()


@dataclass(frozen=True)
class _Finding:
    """What one output says against a proof."""

    status: Status
    cause: Cause
    kind: Kind | None = None


def prove(model: onnx.ModelProto) -> Proof:
    """Decide whether row n of every output of `model` depends on input frame n alone, for every batch size.

    Declared batch sizes and recorded shapes are not believed. `model` is not changed; nothing is executed.
    """
    try:
        trace = interpret(model)
    except UnreadableError as error:
        return Proof(Status.UNKNOWN, str(error))
    outputs = tuple(_described(output.name, trace.scope) for output in trace.graph.output)
    findings = [found for output in trace.graph.output if (found := _finding(output.name, trace)) is not None]
    if not findings:
        return _without_findings(outputs)
    refutations = [found for found in findings if found.status is Status.REFUTED] or _misfits(model)
    worst = min(refutations or findings, key=lambda found: found.cause.index)
    return Proof(
        worst.status,
        f"{worst.cause.op} '{worst.cause.node}': {worst.cause.reason}",
        worst.cause.node,
        worst.cause.op,
        worst.cause.tensor,
        worst.kind,
        trace.path_to(worst.cause),
        outputs,
    )


def _misfits(model: onnx.ModelProto) -> list[_Finding]:
    """Where lengths alone show that the graph runs for some batch sizes only, whatever becomes of the content."""
    trace = interpret(model, content=False)
    layouts = [trace.scope[output.name].layout for output in trace.graph.output if output.name in trace.scope]
    return [_Finding(Status.REFUTED, layout.cause, "layout") for layout in layouts if isinstance(layout, Frozen)]


def _without_findings(outputs: tuple[OutputLayout, ...]) -> Proof:
    if not outputs:
        return Proof(Status.UNKNOWN, "the graph has no outputs")
    return Proof(
        Status.PROVEN, "row n of every output is a function of frame n alone, for every batch size", outputs=outputs
    )


def _described(name: str, scope: Scope) -> OutputLayout:
    tensor = scope.get(name)
    if tensor is None:
        return OutputLayout(name, "?", "undefined")
    shape = "?" if tensor.shape is None else f"[{', '.join(map(str, tensor.shape))}]"
    return OutputLayout(name, shape, str(tensor.layout))


def _finding(name: str, trace: Trace) -> _Finding | None:
    tensor = trace.scope.get(name)
    if tensor is None:
        return _Finding(Status.UNKNOWN, Cause(-1, name, "graph output", name, "no node computes it"))
    if isinstance(tensor.layout, Unknown):
        return _Finding(Status.UNKNOWN, tensor.layout.cause)
    if isinstance(tensor.layout, Frozen):
        return _Finding(Status.REFUTED, trace.before_frozen(tensor.layout.cause), "layout")
    if isinstance(tensor.layout, Lost):
        return _Finding(Status.REFUTED, tensor.layout.cause, "content")
    if _one_row_a_frame(tensor, trace):
        if not any(dim.batch for dim in tensor.dims[1:]):
            return None
        return _Finding(Status.UNKNOWN, trace.cause(name, "the shape of a row may depend on the size of the batch"))
    if isinstance(tensor.layout, Free):
        return _Finding(Status.UNKNOWN, trace.cause(name, "its result does not depend on the image at all"))
    return _Finding(Status.REFUTED, trace.where_first_axis_is_lost(name), "layout")


def _one_row_a_frame(tensor: Tensor, trace: Trace) -> bool:
    """First axis N, and in it frame after frame; a constant repeated N times is fine as well."""
    if not tensor.shape or tensor.shape[0] != trace.symbols.batch:
        return False
    return tensor.layout.outer.whole == 1 if isinstance(tensor.layout, Batched) else tensor.steady
