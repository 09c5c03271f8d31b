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
from batchproof.surgery.shapes import image_size
from batchproof.surgery.unflatten_batch import UnflattenBatch
from batchproof.zoo.recognise import Recognition


@dataclass(frozen=True)
class PassReport:
    """What one pass did and did not do."""

    name: str
    modified: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Repair:
    """The repaired model, and the report of each pass in the order in which they ran."""

    model: onnx.ModelProto
    passes: tuple[PassReport, ...]


def repair(model: onnx.ModelProto, recognition: Recognition) -> Repair:
    """Return a copy of `model` whose batch is free, with the shapes, names and order of outputs of its spec.

    `model` is valid ONNX and stays as it is; the same model gives the same bytes. Raises `StepFailedError` naming the
    node when a Reshape or Resize still loses the batch, or when the result is no valid ONNX model.
    """
    work = _copy(model)
    reports = tuple(_run(surgery, work) for surgery in _chain(work, recognition))
    repaired = ir.serde.serialize_model(work)
    del repaired.graph.value_info[:]  # onnx-ir writes one for every weight
    _check(repaired)
    return Repair(repaired, reports)


def explain(model: onnx.ModelProto, recognition: Recognition) -> tuple[PassReport, ...]:
    """Report what `repair` would do to `model` and why not; a pass that fails ends the list with its reason."""
    work = _copy(model)
    reports: list[PassReport] = []
    for surgery in _chain(work, recognition):
        # Called without its checks: the reasons of a pass that fails are what the reader is after.
        report = _report(surgery, surgery.call(work))
        if stop := _violation(surgery, work):
            return (*reports, replace(report, reasons=(*report.reasons, stop)))
        reports.append(report)
    return tuple(reports)


def _copy(model: onnx.ModelProto) -> ir.Model:
    # Renaming a tensor in onnx-ir reaches through to the protobuf that it was read from.
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return ir.serde.deserialize_model(copy)


def _chain(model: ir.Model, recognition: Recognition) -> tuple[SurgeryPass, ...]:
    """Constants first, then what loses the batch, then the declarations that speak about the repaired graph."""
    size = image_size(model, recognition)
    return (
        DropInitializerInputs(),
        FreeResize(size),
        UnflattenBatch(size),
        OpenBatch(recognition, size),
        NameOutputs(recognition),
    )


def _run(surgery: SurgeryPass, model: ir.Model) -> PassReport:
    try:
        return _report(surgery, surgery(model))
    except ir.passes.InvariantError as error:
        name = type(surgery).__name__
        remedy = "Run 'batchproof surgery explain' to see what each pass found"
        raise StepFailedError(f"{name} failed: {error}", remedy=remedy) from error


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
