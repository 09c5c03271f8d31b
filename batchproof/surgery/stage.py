"""The surgery stage: every original becomes a batch-safe graph in FP32, and one typed FP16 graph from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from batchproof.artifacts import layout
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.errors import InputError
from batchproof.settings import PRECISIONS, Settings
from batchproof.verdict import Verdict
from batchproof.zoo.pack import Pack, PackModel

if TYPE_CHECKING:
    import onnx

    from batchproof.policy import Policy, SurgeryLimits
    from batchproof.surgery.fp16.plan import PrecisionPlan
    from batchproof.surgery.fp16.samples import Samples
    from batchproof.surgery.fp16.search import Progress
    from batchproof.surgery.raw_input import RawInput
    from batchproof.surgery.repair import PassReport

STAGE = "surgery"
_PICTURES = 8  # enough faces to judge rounding by; each is one run of the network
_FP16_TOOLS = (
    "numpy",
    "onnx",
    "onnx-ir",
    "onnxconverter-common",
    "onnxruntime",
    "onnxruntime-gpu",
    "opencv-python",
    "opencv-python-headless",
)
_IMAGES = 3  # odd, and more than two: an even split or a mirrored pair could hide a mix-up


def plan(pack: Pack, settings: Settings) -> list[Step]:
    """Two steps a model: repair, and conversion to FP16 where it is built."""
    steps = [_repair, _fp16] if "fp16" in (settings.engines.precisions or PRECISIONS) else [_repair]
    return [step(model, settings) for model in pack.models for step in steps]


def _repair(model: PackModel, settings: Settings) -> Step:
    limits, (height, width) = settings.policy.surgery, settings.profiles.overall(model.name).size
    return Step(
        STAGE,
        "surgery",
        f"{model.name}.fp32",
        partial(_repair_action, limits=limits, size=(height, width), subject=f"{model.name}.fp32"),
        parents=(layout.exported(model.name),),
        produces=(layout.repaired(model.name, "fp32"),),
        settings={"limits": asdict(limits), "height": height, "width": width},
        tools=("onnx", "onnx-ir", "onnxruntime", "onnxruntime-gpu"),
    )


def _fp16(model: PackModel, settings: Settings) -> Step:
    images, plan = pictures(settings.images), settings.plan_of(model)
    height, width = settings.profiles.overall(model.name).size
    limits = {"graph": asdict(settings.policy.fp16_graph), "figures": asdict(settings.policy.fp16)}
    return Step(
        STAGE,
        "surgery",
        f"{model.name}.fp16",
        partial(
            _fp16_action,
            policy=settings.policy,
            images=images,
            size=(height, width),
            plan=plan,
            subject=f"{model.name}.fp16",
        ),
        parents=(layout.repaired(model.name, "fp32"),),
        produces=(layout.repaired(model.name, "fp16"),),
        sources=(*images[:_PICTURES], *([] if plan is None else [plan])),
        settings={"height": height, "width": width, "limits": limits},
        tools=_FP16_TOOLS,
    )


def _repair_action(workspace: Workspace, *, limits: SurgeryLimits, size: tuple[int, int], subject: str) -> Outcome:
    import onnx

    from batchproof.artifacts import onnx_file

    original = onnx_file.read(workspace.parents[0])
    model, passes, verdicts = repair_and_check(original, limits, size, subject)
    onnx.save(model, workspace.outputs[0])
    return Outcome(verdicts, {"reasons": sentences(passes)})


def _fp16_action(
    workspace: Workspace,
    *,
    policy: Policy,
    images: Sequence[Path],
    size: tuple[int, int],
    plan: Path | None,
    subject: str,
) -> Outcome:
    import onnx

    from batchproof.artifacts import onnx_file

    model = onnx_file.read(workspace.parents[0])
    samples = samples_for(model, images, size)
    converted, verdicts = convert_fp16(model, samples, policy, subject, plan)
    onnx.save(converted, workspace.outputs[0])
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
    model: onnx.ModelProto, samples: Samples, policy: Policy, subject: str, plan: Path | None = None
) -> tuple[onnx.ModelProto, tuple[Verdict, ...]]:
    """Convert a batch-safe graph to FP16, all of it or as `plan` says, and judge the result on `samples`.

    Raises `InputError` when the plan belongs to another graph.
    """
    from batchproof.surgery.fp16 import plan as plans
    from batchproof.surgery.fp16 import verdicts
    from batchproof.surgery.fp16.fallback import replay
    from batchproof.surgery.fp16.figures import Comparison, limits_for
    from batchproof.surgery.fp16.half_range import activation_peaks, peak_in_half
    from batchproof.surgery.fp16.to_fp16 import to_fp16
    from batchproof.zoo.recognise import recognise

    found = None if plan is None else plans.read(plan)
    converted, summary = to_fp16(model) if found is None else replay(found, model, plan)
    peak = peak_in_half(converted, activation_peaks(model, samples.blob))
    spec = recognise(model).spec
    judged = [
        verdicts.planned_verdict(summary, len(found.nodes) if found else 0, subject),
        *verdicts.graph_verdicts(converted, model, summary, policy.fp16_graph, subject),
        verdicts.range_verdict(peak, policy.fp16_graph, samples.name, subject),
    ]
    if spec.role in ("detector", "embedder"):
        limits = limits_for(spec, policy.fp16)
        figures = Comparison(model, spec, samples, limits).as_hardware(converted)
        judged += verdicts.figure_verdicts(figures, limits, subject, samples.name)
    return converted, tuple(judged)


def find_precision_plan(model: onnx.ModelProto, samples: Samples, policy: Policy, progress: Progress) -> PrecisionPlan:
    """Find the nodes of a batch-safe FP32 graph that must stay in FP32; `progress` gets each try's number and limit.

    Raises `StepFailedError` when no choice of nodes meets the policy, or only one that leaves too little in half.
    """
    from batchproof.surgery.fp16.fallback import find_plan
    from batchproof.surgery.fp16.figures import limits_for
    from batchproof.surgery.fp16.search import Trial
    from batchproof.zoo.recognise import recognise

    spec = recognise(model).spec
    share = policy.fp16_graph.half_share
    return find_plan(model, spec, Trial(samples, limits_for(spec, policy.fp16), progress=progress, half_share=share))


def pictures(images: Path | None) -> list[Path]:
    """List the pictures to judge FP16 on: those in `images`, or insightface's; none where that is missing.

    Raises `InputError` for a folder without pictures, and `MissingDependencyError` where they cannot be read.
    """
    from batchproof.errors import MissingDependencyError

    try:
        from batchproof.pipeline.pictures import picture_files

        return picture_files(images)
    except MissingDependencyError:
        if images is not None:
            raise
        return []


def samples_for(model: onnx.ModelProto, images: Sequence[Path], size: tuple[int, int]) -> Samples:
    """Read the pictures that a graph is judged on; noise where there are none."""
    from batchproof.surgery.fp16.samples import noise_samples, picture_samples
    from batchproof.zoo.recognise import recognise

    spec = recognise(model).spec.input
    if not images:
        return noise_samples(spec, size)
    from batchproof.pipeline.pictures import read_picture

    shown = images[:_PICTURES]
    return picture_samples([read_picture(path).pixels for path in shown], spec, size, of=len(images))


def fold_and_check(
    model: onnx.ModelProto, raw: RawInput, limits: SurgeryLimits, size: tuple[int, int], subject: str
) -> tuple[onnx.ModelProto, PassReport, tuple[Verdict, ...]]:
    """Put the preprocessing into a repaired graph, in either precision, and compare raw pixels with their blob."""
    from batchproof.surgery.check_fold import check_fold
    from batchproof.surgery.fold_normalisation import fold
    from batchproof.surgery.repair import PassReport
    from batchproof.surgery.shapes import ImageSize
    from batchproof.zoo.recognise import RAW_INPUT, recognise

    if any(entry.key == RAW_INPUT for entry in model.metadata_props):
        raise InputError("takes raw pixels already", remedy="Leave --raw away, or give the graph from before")
    recognition = recognise(model)
    folded, reasons = fold(model, recognition, raw)
    verdicts = check_fold(model, folded, recognition, raw, ImageSize(*size), limits=limits, subject=subject)
    modified = any(reason.changed for reason in reasons)
    return folded, PassReport("FoldNormalisation", modified, reasons), tuple(verdicts)


def sentences(passes: tuple[PassReport, ...]) -> list[str]:
    """One sentence for every reason that a pass gave."""
    return [f"{report.name}, {reason.subject}: {reason.sentence}" for report in passes for reason in report.reasons]
