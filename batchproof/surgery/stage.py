"""The surgery stage: every original becomes a batch-safe graph in FP32, and one typed FP16 graph from that."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.settings import Settings
from batchproof.verdict import Verdict, at_most
from batchproof.zoo.pack import Pack, PackModel
from batchproof.zoo.spec import InputSpec

if TYPE_CHECKING:
    import onnx

    from batchproof.runtime import Blob
    from batchproof.surgery.check import Tolerance
    from batchproof.surgery.repair import PassReport

STAGE = "surgery"
_PICTURES = 3  # odd, and more than two: an even split or a mirrored pair could hide a mix-up
_SEED = 3


def repaired(model: str, precision: str) -> str:
    """Locate a batch-safe graph in the store."""
    return f"{STAGE}/{model}.{precision}.onnx"


def plan(pack: Pack, settings: Settings) -> list[Step]:
    """Two steps a model: repair, and conversion to FP16."""
    return [step for model in pack.models for step in (_repair(model, settings), _halve(model))]


def _repair(model: PackModel, settings: Settings) -> Step:
    limits, profile = settings.policy.surgery, settings.profile
    return Step(
        STAGE,
        "surgery",
        f"{model.name}.fp32",
        partial(_repair_action, settings=settings, subject=f"{model.name}.fp32"),
        parents=(f"export/{model.name}.onnx",),
        produces=(repaired(model.name, "fp32"),),
        settings={"limits": asdict(limits), "height": profile.height, "width": profile.width},
        tools=("onnx", "onnx-ir", "onnxruntime"),
    )


def _halve(model: PackModel) -> Step:
    return Step(
        STAGE,
        "surgery",
        f"{model.name}.fp16",
        partial(_halve_action, subject=f"{model.name}.fp16"),
        parents=(repaired(model.name, "fp32"),),
        produces=(repaired(model.name, "fp16"),),
        tools=("onnx", "onnx-ir", "onnxconverter-common"),
    )


def _repair_action(workspace: Workspace, *, settings: Settings, subject: str) -> Outcome:
    import onnx

    from batchproof.artifacts import onnx_file
    from batchproof.surgery.check import Tolerance

    limits, profile = settings.policy.surgery, settings.profile
    model, passes, verdicts = repair_and_check(
        onnx_file.read(workspace.parents[0]),
        Tolerance(limits.single_max_abs, limits.row_max_abs),
        (profile.height, profile.width),
        subject,
    )
    onnx.save(model, workspace.outputs[0])
    return Outcome(verdicts, {"reasons": sentences(passes)})


def _halve_action(workspace: Workspace, *, subject: str) -> Outcome:
    import onnx

    from batchproof.artifacts import onnx_file

    model, verdicts = halve_and_check(onnx_file.read(workspace.parents[0]), subject)
    onnx.save(model, workspace.outputs[0])
    return Outcome(verdicts)


def repair_and_check(
    original: onnx.ModelProto, tolerance: Tolerance, size: tuple[int, int], subject: str
) -> tuple[onnx.ModelProto, tuple[PassReport, ...], tuple[Verdict, ...]]:
    """Repair `original` and compare both on ONNX Runtime; detectors of free size at `size`, height and width."""
    from batchproof.surgery.check import check_repair
    from batchproof.surgery.repair import repair
    from batchproof.zoo.recognise import recognise

    recognition = recognise(original)
    result = repair(original, recognition)
    images = _noise(recognition.spec.input, *size)
    verdicts = check_repair(original, result.model, recognition, images, tolerance=tolerance, subject=subject)
    return result.model, result.passes, tuple(verdicts)


def halve_and_check(model: onnx.ModelProto, subject: str) -> tuple[onnx.ModelProto, tuple[Verdict, ...]]:
    """Convert a batch-safe graph to FP16, and judge by its types whether it really computes in half precision."""
    from batchproof.surgery.to_fp16 import to_fp16

    converted, summary = to_fp16(model)
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
    )


def sentences(passes: tuple[PassReport, ...]) -> list[str]:
    """One sentence for every reason that a pass gave."""
    return [f"{report.name}, {reason.subject}: {reason.sentence}" for report in passes for reason in report.reasons]


def _noise(spec: InputSpec, height: int, width: int) -> Blob:
    """Seeded noise over the range of normalised pixels, another image in every row."""
    import numpy as np

    pixels = np.random.default_rng(_SEED).integers(0, 256, spec.shape(_PICTURES, height, width))
    return ((pixels - spec.mean) / spec.std).astype(np.float32)
