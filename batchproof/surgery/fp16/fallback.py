"""FP16 that meets its limits: a plan of the few nodes that must stay in FP32, and its replay."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx

import batchproof
from batchproof.artifacts.tools import versions
from batchproof.errors import InputError, StepFailedError
from batchproof.surgery.fp16.figures import Figures, misses
from batchproof.surgery.fp16.gaps import gaps
from batchproof.surgery.fp16.plan import FORMAT, KeptNode, PrecisionPlan, graph_sha256, require_same_graph
from batchproof.surgery.fp16.search import FallbackSearch, Trial
from batchproof.surgery.fp16.summary import Fp16Summary
from batchproof.surgery.fp16.to_fp16 import prepared, to_fp16
from batchproof.zoo.spec import ModelSpec

_TOOLS = ("numpy", "onnx", "onnx-ir", "onnxconverter-common", "onnxruntime", "onnxruntime-gpu")
_DIGITS = 6


def find_plan(model: onnx.ModelProto, spec: ModelSpec, trial: Trial) -> PrecisionPlan:
    """Find the nodes of the FP32 graph `model` that must stay in FP32 for its FP16 form to meet `trial.limits`.

    Judged is what hardware computes that stores halves (`Comparison.as_hardware`); a graph that meets its limits gets
    a plan that keeps nothing. The same graph, samples, limits and tools give the same plan. Raises
    `StepFailedError` when not even FP32 gives finite outputs, or when too little would be left in half.
    """
    named = prepared(model)
    search = FallbackSearch(named, spec, trial)
    before = search.measure(())
    extra = search.extra_nodes()
    needed = {*search.unfit, *extra.items}
    names = needed | gaps(named, needed, search.halves)
    after = search.measure(names)
    if missed := misses(after, trial.limits):
        raise StepFailedError(f"no choice of nodes in FP32 meets the limits: {missed[0]}")
    names |= search.blocked
    kept = [node for node in named.graph.node if node.name in names]
    computing = len(search.halves) + len(search.blocked)
    if computing - len(kept) < trial.half_share * computing:
        found = "the search found" if extra.minimal else f"in {search.runs} runs the search found"
        what = f"{found} no plan with fewer than {len(kept)} of {computing} nodes in FP32"
        raise StepFailedError(what, remedy="Look at the figures that FP16 misses, or relax half_share of the policy")
    return PrecisionPlan(
        format=FORMAT,
        graph_sha256=graph_sha256(model),
        kept=tuple(_kept(node, needed, search, trial) for node in kept),
        minimal=extra.minimal,
        runs=search.runs,
        casts=to_fp16(model, names)[1].casts,
        judged_on=trial.samples.name,
        samples_sha256=trial.samples.sha256,
        limits=asdict(trial.limits),
        before=_written(before),
        after=_written(after),
        tools={**versions(_TOOLS), "batchproof": batchproof.__version__},
    )


def replay(
    plan: PrecisionPlan, model: onnx.ModelProto, where: Path | None = None
) -> tuple[onnx.ModelProto, Fp16Summary]:
    """Convert `model` as `plan` says; the same plan gives the same bytes.

    Raises `InputError` when the plan belongs to another graph or names nodes that this one lacks; `where` is its file.
    """
    require_same_graph(plan, model, where)
    try:
        return to_fp16(model, plan.nodes)
    except InputError as error:
        raise InputError(error.what, where=where, remedy=error.remedy) from error


def _kept(node: onnx.NodeProto, needed: set[str], search: FallbackSearch, trial: Trial) -> KeptNode:
    if node.name in search.blocked:
        return KeptNode(node.name, node.op_type, "runtimes do not have this operator in half", None, None)
    if node.name in search.unfit:
        unfit = search.unfit[node.name]
        return KeptNode(node.name, node.op_type, unfit.sentence, _finite(unfit.peak.amount), unfit.limit)
    if node.name not in needed:
        return KeptNode(node.name, node.op_type, "lies between nodes in FP32, where half only costs Casts", None, None)
    without = search.known(needed - {node.name})
    missed = misses(without, trial.limits) if without is not None else []
    if not missed:
        return KeptNode(node.name, node.op_type, "the search ended before it was tried in half", None, None)
    worst = missed[0]
    return KeptNode(node.name, node.op_type, f"alone in half it gives {worst}", _finite(worst.figure), worst.limit)


def _written(figures: Figures) -> dict[str, float | None]:
    return {name: _finite(figure) for name, figure in figures.items()}


def _finite(figure: float) -> float | None:
    """Round to what is the same on every run of a machine and readable; JSON has no infinity."""
    return float(f"{figure:.{_DIGITS}g}") if np.isfinite(figure) else None
