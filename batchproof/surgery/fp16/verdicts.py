"""Verdicts on an FP16 graph: whether it computes in half, whether half can hold it, how far it is from FP32."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import onnx

from batchproof.surgery.fp16.figures import LOWEST, Figures, Limits
from batchproof.surgery.fp16.half_range import Peak
from batchproof.surgery.fp16.summary import LARGEST_HALF, Fp16Summary
from batchproof.verdict import Verdict, at_least, at_most, not_run


def compute_verdict(summary: Fp16Summary, kept: int, subject: str) -> Verdict:
    """Judge whether all computes in half but the `kept` nodes that a plan keeps in FP32."""
    total = summary.half_nodes + summary.float_nodes
    islands = f" ({', '.join(summary.float_ops)})" if summary.float_ops else ""
    planned = f", {kept} of them as the plan says" if kept else ""
    reason = f"nodes left in FP32{islands}{planned}; {summary.half_nodes} of {total} compute in half"
    return at_most("surgery.float_nodes", subject, summary.float_nodes, kept, reason)


def weight_verdict(summary: Fp16Summary, subject: str) -> Verdict:
    """Judge whether all weights in half are within its range, and tell those that are below it."""
    lost = ", ".join(f"{tensor.name} ({tensor.underflow} to 0)" for tensor in summary.worst)
    reason = f"weights beyond the half range; {summary.underflow} others round to zero{': ' + lost if lost else ''}"
    return at_most("surgery.overflowing_weights", subject, summary.overflow, 0, reason)


def range_verdict(peak: Peak, judged_on: str, subject: str) -> Verdict:
    """Judge whether half can hold the largest activation that the FP16 graph stores as half."""
    reason = f"largest value of what is stored as half, on {judged_on}, against the largest half"
    return at_most("surgery.largest_activation", subject, peak.amount, LARGEST_HALF, reason, witness=peak.tensor)


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
