"""The surgery stage: every original becomes a batch-safe graph in FP32, and one typed FP16 graph from that."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from batchproof.artifacts import layout
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.settings import Settings
from batchproof.verdict import Verdict, at_most
from batchproof.zoo.pack import Pack, PackModel

if TYPE_CHECKING:
    import onnx

    from batchproof.policy import SurgeryLimits
    from batchproof.surgery.raw_input import RawInput
    from batchproof.surgery.repair import PassReport

STAGE = "surgery"
_IMAGES = 3  # odd, and more than two: an even split or a mirrored pair could hide a mix-up


def plan(pack: Pack, settings: Settings) -> list[Step]:
    """Two steps a model: repair, and conversion to FP16."""
    return [step for model in pack.models for step in (_repair(model, settings), _fp16(model, settings))]


def _repair(model: PackModel, settings: Settings) -> Step:
    limits, profile = settings.policy.surgery, settings.profile
    return Step(
        STAGE,
        "surgery",
        f"{model.name}.fp32",
        partial(_repair_action, settings=settings, subject=f"{model.name}.fp32"),
        parents=(layout.exported(model.name),),
        produces=(layout.repaired(model.name, "fp32"),),
        settings={"limits": asdict(limits), "height": profile.height, "width": profile.width},
        tools=("onnx", "onnx-ir", "onnxruntime", "onnxruntime-gpu"),
    )


def _fp16(model: PackModel, settings: Settings) -> Step:
    size = (settings.profile.height, settings.profile.width)
    return Step(
        STAGE,
        "surgery",
        f"{model.name}.fp16",
        partial(_fp16_action, size=size, subject=f"{model.name}.fp16"),
        parents=(layout.repaired(model.name, "fp32"),),
        produces=(layout.repaired(model.name, "fp16"),),
        settings={"size": size},
        tools=("onnx", "onnx-ir", "onnxconverter-common", "onnxruntime", "onnxruntime-gpu"),
    )


def _repair_action(workspace: Workspace, *, settings: Settings, subject: str) -> Outcome:
    import onnx

    from batchproof.artifacts import onnx_file

    profile = settings.profile
    model, passes, verdicts = repair_and_check(
        onnx_file.read(workspace.parents[0]),
        settings.policy.surgery,
        (profile.height, profile.width),
        subject,
    )
    onnx.save(model, workspace.outputs[0])
    return Outcome(verdicts, {"reasons": sentences(passes)})


def _fp16_action(workspace: Workspace, *, size: tuple[int, int], subject: str) -> Outcome:
    import onnx

    from batchproof.artifacts import onnx_file

    model, verdicts = convert_fp16(onnx_file.read(workspace.parents[0]), size, subject)
    onnx.save(model, workspace.outputs[0])
    return Outcome(verdicts)


def repair_and_check(
    original: onnx.ModelProto, limits: SurgeryLimits, size: tuple[int, int], subject: str, opset: int | None = None
) -> tuple[onnx.ModelProto, tuple[PassReport, ...], tuple[Verdict, ...]]:
    """Repair `original`, prove the result, compare both on ONNX Runtime; detectors of free size at `size` (H, W)."""
    from batchproof.runtime import noise
    from batchproof.surgery.check import check_repair
    from batchproof.surgery.repair import repair
    from batchproof.zoo.recognise import recognise

    recognition = recognise(original)
    result = repair(original, recognition, opset=opset)
    images = noise(recognition.spec.input, _IMAGES, *size)
    proof = result.proof
    proven = Verdict("surgery.independence", subject, proof.status, proof.reason, witness=proof.node)
    verdicts = check_repair(original, result.model, recognition, images, limits=limits, subject=subject)
    return result.model, result.passes, (proven, *verdicts)


def convert_fp16(
    model: onnx.ModelProto, size: tuple[int, int], subject: str
) -> tuple[onnx.ModelProto, tuple[Verdict, ...]]:
    """Convert a batch-safe graph to FP16, and judge whether it really computes in half, and whether half can hold it.

    Weights and activations are held against the range of half: ONNX Runtime computes FP16 graphs in float32 on a CPU,
    so that running them here shows rounding, but never an overflow.
    """
    from batchproof.runtime import noise
    from batchproof.surgery.fp16_summary import LARGEST_HALF
    from batchproof.surgery.half_range import peak_activation
    from batchproof.surgery.to_fp16 import to_fp16
    from batchproof.zoo.recognise import recognise

    converted, summary = to_fp16(model)
    peak = peak_activation(model, noise(recognise(model).spec.input, _IMAGES, *size))
    total = summary.half_nodes + summary.float_nodes
    islands = f" ({', '.join(summary.float_ops)})" if summary.float_ops else ""
    lost = ", ".join(f"{tensor.name} ({tensor.underflow} to 0)" for tensor in summary.worst)
    return converted, (
        at_most(
            "surgery.float_nodes",
            subject,
            summary.float_nodes,
            0,
            f"nodes left in FP32{islands}; {summary.half_nodes} of {total} compute in half, {summary.casts} Casts",
        ),
        at_most(
            "surgery.overflowing_weights",
            subject,
            summary.overflow,
            0,
            f"weights beyond the half range; {summary.underflow} others round to zero{': ' + lost if lost else ''}",
        ),
        at_most(
            "surgery.largest_activation",
            subject,
            peak.amount,
            LARGEST_HALF,
            f"largest value inside the FP32 graph on {_IMAGES} images of noise, against the largest half",
            witness=peak.tensor,
        ),
    )


def fold_and_check(
    model: onnx.ModelProto, raw: RawInput, limits: SurgeryLimits, size: tuple[int, int], subject: str
) -> tuple[onnx.ModelProto, PassReport, tuple[Verdict, ...]]:
    """Put the preprocessing into a repaired graph, in either precision, and compare raw pixels with their blob."""
    from batchproof.surgery.check_fold import check_fold
    from batchproof.surgery.fold_normalisation import fold
    from batchproof.surgery.repair import PassReport
    from batchproof.surgery.shapes import ImageSize
    from batchproof.zoo.recognise import recognise

    recognition = recognise(model)
    folded, reasons = fold(model, recognition, raw)
    verdicts = check_fold(model, folded, recognition, raw, ImageSize(*size), limits=limits, subject=subject)
    modified = any(reason.changed for reason in reasons)
    return folded, PassReport("FoldNormalisation", modified, reasons), tuple(verdicts)


def sentences(passes: tuple[PassReport, ...]) -> list[str]:
    """One sentence for every reason that a pass gave."""
    return [f"{report.name}, {reason.subject}: {reason.sentence}" for report in passes for reason in report.reasons]
