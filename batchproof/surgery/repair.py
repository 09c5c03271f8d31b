"""The repair of one recognised face model: all passes in their order, in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

import onnx
import onnx_ir as ir

from batchproof.errors import StepFailedError
from batchproof.surgery.drop_initializer_inputs import DropInitializerInputs
from batchproof.surgery.free_resize import FreeResize
from batchproof.surgery.name_outputs import NameOutputs
from batchproof.surgery.open_batch import OpenBatch
from batchproof.surgery.passes import PassResult, Reason, SurgeryPass, unchanged
from batchproof.surgery.require_finite_weights import RequireFiniteWeights
from batchproof.surgery.separate_frames import SeparateFrames
from batchproof.surgery.shapes import image_size
from batchproof.surgery.thaw_reshape import ThawReshape
from batchproof.surgery.unflatten_batch import UnflattenBatch
from batchproof.surgery.upgrade_opset import UpgradeOpset
from batchproof.validate.independence import Proof, prove
from batchproof.verdict import Status
from batchproof.zoo.recognise import Recognition

_EXPLAIN = "Run 'batchproof surgery explain' to see what each pass found"


@dataclass(frozen=True)
class PassReport:
    """What one pass did and did not do."""

    name: str
    modified: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Repair:
    """The repaired model, the report of each pass in the order in which they ran, and the proof of the result.

    `proof` is proven or unknown, and says which operator the rules cannot follow in the latter case.
    """

    model: onnx.ModelProto
    passes: tuple[PassReport, ...]
    proof: Proof


def repair(model: onnx.ModelProto, recognition: Recognition, *, opset: int | None = None) -> Repair:
    """Return a copy of `model` whose batch is free, with the shapes, names and order of outputs of its spec.

    An older graph is converted to `opset` where that is given. `model` is valid ONNX and stays as it is; the same model
    gives the same bytes. Raises `StepFailedError` naming the node when the proof still refutes the result, or when that
    is no valid ONNX model.
    """
    work = _copy(model)
    reports = tuple(_run(surgery, work) for surgery in _chain(work, recognition, opset))
    repaired = ir.serde.serialize_model(work)
    del repaired.graph.value_info[:]  # onnx-ir writes one for every weight
    proof = prove(repaired)
    if proof.status is Status.REFUTED:
        raise StepFailedError(
            f"no pass could repair this graph, the proof still refutes it: {proof.reason}", remedy=_EXPLAIN
        )
    _check(repaired)
    return Repair(repaired, reports, proof)


def explain(model: onnx.ModelProto, recognition: Recognition, *, opset: int | None = None) -> tuple[PassReport, ...]:
    """Report what `repair` would do to `model` and why not, and what the proof says of the result.

    A pass that fails ends the list with its reason.
    """
    work = _copy(model)
    reports: list[PassReport] = []
    for surgery in _chain(work, recognition, opset):
        # Called without its checks: the reasons of a pass that fails are what the reader is after.
        report = _report(surgery, surgery.call(work))
        if stop := _violation(surgery, work):
            return (*reports, replace(report, reasons=(*report.reasons, stop)))
        reports.append(report)
    return (*reports, _proof_report(prove(ir.serde.serialize_model(work)), work))


def _proof_report(proof: Proof, model: ir.Model) -> PassReport:
    sentence = f"the repaired graph is {proof.status.value}: {proof.reason}"
    return PassReport(
        "Proof", modified=False, reasons=(Reason(proof.node or str(model.graph.name), sentence, changed=False),)
    )


def _copy(model: onnx.ModelProto) -> ir.Model:
    """Read a copy, all of whose nodes have names; renaming in onnx-ir reaches through to the protobuf it came from."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    work = ir.serde.deserialize_model(copy)
    for node in work.graph.all_nodes():
        # Reasons name nodes. Not after the operator: insightface takes names that start with Sub and Mul for a promise.
        node.name = node.name or f"node_{node.outputs[0].name}"
    return work


def _chain(model: ir.Model, recognition: Recognition, opset: int | None) -> tuple[SurgeryPass, ...]:
    """Constants first, then what loses the batch, then the declarations that speak about the repaired graph."""
    size = image_size(model, recognition)
    return (
        RequireFiniteWeights(),
        DropInitializerInputs(),
        *([] if opset is None else [UpgradeOpset(opset)]),
        FreeResize(size),
        ThawReshape(),
        UnflattenBatch(),
        SeparateFrames(recognition),
        OpenBatch(recognition),
        NameOutputs(recognition),
    )


def _run(surgery: SurgeryPass, model: ir.Model) -> PassReport:
    try:
        return _report(surgery, surgery(model))
    except ir.passes.InvariantError as error:
        name = type(surgery).__name__
        raise StepFailedError(f"{name} failed: {error}", remedy=_EXPLAIN) from error


def _violation(surgery: SurgeryPass, model: ir.Model) -> Reason | None:
    try:
        surgery.ensures(model)
    except ir.passes.PostconditionError as error:
        return unchanged(model.graph.name, f"the repair stops here: {error}")
    return None


def _report(surgery: SurgeryPass, result: PassResult) -> PassReport:
    return PassReport(type(surgery).__name__, result.modified, result.reasons)


def _check(repaired: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(repaired, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise StepFailedError(f"the repaired graph is not valid ONNX ({str(error).strip().splitlines()[0]})") from error
