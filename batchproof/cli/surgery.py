"""The verbs of surgery: apply, plan, explain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batchproof.cli.app import surgery_app
from batchproof.cli.options import Images, Json, Model, Output, PolicyOption, Raw, SizeOption, policy_of
from batchproof.cli.outcome import conclude, plain, print_json, stop_if_failed, stop_if_unproven
from batchproof.errors import InputError, printable
from batchproof.export.options import NEWEST_OPSET
from batchproof.profile_text import read_size

if TYPE_CHECKING:
    import onnx

Opset = Annotated[
    int | None,
    typer.Option("--opset", min=13, max=NEWEST_OPSET, help="Convert an older graph; 17 suits all backends."),
]


@surgery_app.command("apply")
def surgery_apply(
    model: Model,
    output: Output,
    fp16: Annotated[
        bool, typer.Option("--fp16", help="Write the typed FP16 graph; inputs and outputs stay FP32.")
    ] = False,
    opset: Opset = None,
    raw: Raw = None,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="With --fp16: the nodes to keep in FP32, from 'surgery plan'."),
    ] = None,
    images: Images = None,
    size: SizeOption = "640x640",
    policy: PolicyOption = None,
    unproven: Annotated[
        bool, typer.Option("--unproven", help="Write a graph, too, that the proof cannot decide.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a batch-safe graph, after comparing it with the original on ONNX Runtime.

    Nothing is written when the comparison fails, or when the proof cannot decide (exit code 3).

    Example: batchproof surgery det_10g.onnx -o det_10g_batch.onnx, and for camera frames --raw uint8,NHWC,BGR
    """
    import onnx

    from batchproof.artifacts.output_file import replacing
    from batchproof.console import working
    from batchproof.surgery import stage
    from batchproof.surgery.raw_input import RawInput

    if not fp16:
        _refuse_without_fp16(plan, images)
    limits = policy_of(policy)
    height, width = read_size(size)
    raw_input = None if raw is None else RawInput.parse(raw)
    original = _suited(model, height, width)
    with working(f"repairing {model.name}"), replacing(output) as written:
        graph, passes, verdicts = stage.repair_and_check(original, limits.surgery, (height, width), model.stem, opset)
        if fp16:
            samples = stage.samples_for(graph, stage.pictures(images), (height, width))
            graph, judged = stage.convert_fp16(graph, samples, limits, model.stem, plan)
            verdicts += judged
        if raw_input is not None:
            graph, folded, judged = stage.fold_and_check(graph, raw_input, limits.surgery, (height, width), model.stem)
            passes, verdicts = (*passes, folded), (*verdicts, *judged)
        stop_if_failed(verdicts, as_json)
        if not unproven:
            stop_if_unproven(verdicts, as_json)
        onnx.save(graph, written)
    conclude(verdicts, as_json, output=str(output), reasons=stage.sentences(passes))


def _refuse_without_fp16(plan: Path | None, images: Path | None) -> None:
    if plan is not None:
        raise InputError("a precision plan says what stays in FP32 of an FP16 graph", remedy="Add --fp16")
    if images is not None:
        raise InputError("pictures are what an FP16 graph is judged on", where=images, remedy="Add --fp16")


def _suited(model: Path, height: int, width: int) -> onnx.ModelProto:
    """Read a graph; an image size that it cannot take is refused before any work."""
    from batchproof.artifacts import onnx_file
    from batchproof.profile import Profile
    from batchproof.zoo.recognise import recognise

    graph = onnx_file.read(model)
    Profile(height=height, width=width).input_shapes(recognise(graph, model).spec)
    return graph


@surgery_app.command("plan")
def surgery_plan(
    model: Model,
    output: Output,
    opset: Opset = None,
    images: Images = None,
    size: SizeOption = "640x640",
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Find the nodes that must stay in FP32 for FP16 to meet the policy, and write them down as a precision plan.

    Commit the plan beside the model: 'surgery --fp16 --plan FILE' and 'run --plans DIR' (DIR/MODEL.json) replay it.
    """
    from batchproof import console
    from batchproof.surgery import stage
    from batchproof.surgery.fp16 import plan as plans

    limits, shape = policy_of(policy), read_size(size)
    original = _suited(model, *shape)
    with console.working(f"searching a plan for {model.name}") as tell:
        graph, _, verdicts = stage.repair_and_check(original, limits.surgery, shape, model.stem, opset)
        stop_if_failed(verdicts, as_json)
        samples = stage.samples_for(graph, stage.pictures(images), shape)
        found = stage.find_precision_plan(
            graph, samples, limits, lambda run, of: tell(f"conversion {run} of {of} at most")
        )
        plans.write(found, output)
    if as_json:
        print_json({"output": printable(str(output)), **plain([found])[0]})
    else:
        kept = [f"{node.operator} '{node.node}': {node.reason}" for node in found.kept]
        judged = f"judged on {found.judged_on} in {found.runs} conversions"
        console.show_lines([*(kept or ["nothing has to stay in FP32"]), judged, f"output: {printable(str(output))}"])


@surgery_app.command("explain")
def surgery_explain(model: Model, opset: Opset = None, as_json: Json = False) -> None:
    """Show what surgery would change in a graph, what it would leave, and why; nothing is written."""
    from batchproof import console
    from batchproof.artifacts import onnx_file
    from batchproof.surgery import stage
    from batchproof.surgery.repair import explain
    from batchproof.zoo.recognise import recognise

    graph = onnx_file.read(model)
    recognition = recognise(graph, model)
    sentences = stage.sentences(explain(graph, recognition, opset=opset))
    if as_json:
        print_json({"family": recognition.spec.family, "reason": recognition.reason, "reasons": sentences})
    else:
        console.show_lines([f"{model.name}: {recognition.reason}", *sentences])
