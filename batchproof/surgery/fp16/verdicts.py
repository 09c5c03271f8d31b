"""Verdicts on an FP16 graph: whether it computes in half, whether half can hold it, how far it is from FP32."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import onnx

from batchproof.policy import Fp16GraphLimits
from batchproof.surgery.fp16.figures import LOWEST, Figures, Limits
from batchproof.surgery.fp16.half_range import Peak
from batchproof.surgery.fp16.summary import LARGEST_HALF, Fp16Summary
from batchproof.verdict import Verdict, at_least, at_most, not_run


def graph_verdicts(
    converted: onnx.ModelProto, original: onnx.ModelProto, summary: Fp16Summary, limits: Fp16GraphLimits, subject: str
) -> Iterator[Verdict]:
    """Judge the graph alone: how much of it computes in half, its weights, and the Casts at its islands."""
    total = summary.half_nodes + summary.float_nodes
    islands = f" ({', '.join(summary.float_ops)} in FP32)" if summary.float_ops else ""
    share = f"{summary.half_nodes} of {total} nodes compute in half{islands}"
    yield at_least("surgery.half_share", subject, summary.half_nodes / max(total, 1), limits.half_share, share)
    lost = ", ".join(f"{tensor.name} ({tensor.underflow} to 0)" for tensor in summary.worst)
    reason = f"weights beyond the half range; {summary.underflow} others round to zero{': ' + lost if lost else ''}"
    yield at_most("surgery.overflowing_weights", subject, summary.overflow, limits.overflowing_weights, reason)
    yield cast_verdict(converted, original, summary, limits.island_casts, subject)


def planned_verdict(summary: Fp16Summary, planned: int, subject: str) -> Verdict:
    """Judge whether exactly the nodes of the plan are in FP32; without a plan, whether none is."""
    reason = f"nodes in FP32 that no precision plan names; {planned} are planned"
    return at_most("surgery.unplanned_float_nodes", subject, abs(summary.float_nodes - planned), 0, reason)


def range_verdict(peak: Peak, limits: Fp16GraphLimits, judged_on: str, subject: str) -> Verdict:
    """Judge the largest activation that the FP16 graph stores as half."""
    reason = f"largest value of what is stored as half, on {judged_on}; the largest half is {LARGEST_HALF:g}"
    return at_most(
        "surgery.largest_activation", subject, peak.amount, limits.largest_activation, reason, witness=peak.tensor
    )


def figure_verdicts(figures: Figures, limits: Limits, subject: str, judged_on: str) -> Iterator[Verdict]:
    """Judge every figure that the policy limits; `judged_on` names the samples. What no face can tell is `not_run`."""
    for name, limit in asdict(limits).items():
        check, how = f"surgery.fp16.{name}", f"FP16 as hardware stores it against FP32, {judged_on}"
        if name in figures:
            judge = at_least if name in LOWEST else at_most
            yield judge(check, subject, figures[name], limit, how, unit="px" if name.endswith("_px") else "")
        else:
            yield not_run(check, subject, f"nothing to measure it on: no such output, or no face, on {judged_on}")


def island_casts(converted: onnx.ModelProto, original: onnx.ModelProto) -> int:
    """Count the Casts beyond those of `original` and the one that each input and output of a half graph needs."""
    added = _casts(converted) - _casts(original)
    return max(0, added - len(original.graph.input) - len(original.graph.output))


def cast_verdict(
    converted: onnx.ModelProto, original: onnx.ModelProto, summary: Fp16Summary, limit: float, subject: str
) -> Verdict:
    """Judge what the borders of FP32 islands cost: each Cast there keeps its neighbours from fusing."""
    inputs, outputs = len(original.graph.input), len(original.graph.output)
    return at_most(
        "surgery.casts",
        subject,
        island_casts(converted, original),
        limit,
        f"Casts at the borders of FP32 islands; {summary.casts} in all, for {inputs} input(s), {outputs} output(s) and "
        f"{summary.float_nodes} node(s) in FP32",
    )


def _casts(model: onnx.ModelProto) -> int:
    return sum(node.op_type == "Cast" for node in model.graph.node)
