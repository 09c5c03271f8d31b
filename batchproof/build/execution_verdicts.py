"""The verdicts on what a built engine, or a provider of ONNX Runtime, executed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from batchproof.build.execution import Execution
from batchproof.errors import first_few
from batchproof.verdict import Status, Verdict, at_most, not_run

Where = Callable[[Execution], str]


def execution_verdicts(
    executions: Sequence[Execution],
    where: Where,
    *,
    how: str,
    tolerance: float,
    subject: str,
    reference: str = "ONNX Runtime on the CPU",
) -> Iterator[Verdict]:
    """Judge `build.executes` (one more, `not_run`, for each skipped shape) and `build.equals_onnx`.

    `where` names an execution, `how` says what executed ("executed from disk on the GPU"), `reference` what it was
    compared with.
    """
    ran = [execution for execution in executions if execution.skipped is None]
    if ran:
        yield _executes(ran, where, how, subject)
    for execution in executions:
        if execution.skipped is not None:
            yield not_run("build.executes", subject, f"{where(execution)} was not executed: {execution.skipped}")
    yield _equals_onnx(ran, where, reference, tolerance, subject)


def _executes(ran: Sequence[Execution], where: Where, how: str, subject: str) -> Verdict:
    for execution in ran:
        if execution.problem is not None:
            return Verdict("build.executes", subject, Status.FAIL, execution.problem, witness=where(execution))
    times = ", ".join(f"{where(execution)} in {execution.seconds:.4f} s" for execution in ran)
    return Verdict("build.executes", subject, Status.PASS, f"{how}: {times}; every output has N rows and is finite")


def _equals_onnx(ran: Sequence[Execution], where: Where, reference: str, tolerance: float, subject: str) -> Verdict:
    check = "build.equals_onnx"
    compared = [(execution.difference, execution) for execution in ran if execution.difference is not None]
    left = [f"{where(execution)} ({execution.not_compared})" for execution in ran if execution.not_compared]
    if not compared:
        return not_run(check, subject, f"compared at no shape: {first_few(left) or 'it gave no outputs'}")
    difference, worst = max(compared, key=lambda pair: pair[0])
    witness = f"output '{worst.witness}', {where(worst)}"
    if not math.isfinite(difference):
        reason = f"an output differs in shape from that of {reference}, or that holds NaN or Inf"
        return Verdict(check, subject, Status.FAIL, reason, witness=witness)
    shapes = first_few([where(execution) for _, execution in compared])
    reason = f"largest difference to {reference} at {shapes}, outputs above 1 in parts of their peak"
    reason += f"; not compared: {first_few(left)}" if left else ""
    return at_most(check, subject, difference, tolerance, reason, witness=witness)
