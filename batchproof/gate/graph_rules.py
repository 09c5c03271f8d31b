"""Rules about one graph: what it must have passed, and the limits of its figures, the worst of each counting."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass

from batchproof.errors import first_few
from batchproof.gate.part import Part, of_check
from batchproof.gate.rules import Limits, Worse
from batchproof.verdict import Status, Verdict, at_least, at_most, not_run
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class _Figure:
    """What the name of a limit stands for: which checks measure it, and for which models there is such a thing."""

    check: str
    worse: Worse = "higher"
    unit: str = ""
    exists: Callable[[ModelSpec], bool] = lambda spec: True


_FIGURES = {
    "contamination": _Figure("probe.contamination"),
    "non_invariance": _Figure("probe.non_invariance"),
    "box_shift_px": _Figure("parity.box_shift", unit="px", exists=lambda spec: spec.role == "detector"),
    "landmark_shift_px": _Figure("parity.landmark_shift", unit="px", exists=lambda spec: spec.has_keypoints),
    "min_cosine": _Figure("parity.embedding_cosine", "lower", exists=lambda spec: spec.role == "embedder"),
    "island_casts": _Figure("surgery.casts"),
}
KNOWN_CHECKS = frozenset(figure.check for figure in _FIGURES.values())


def judge_required(graph: Part, check: str) -> Verdict:
    """Pass when the check was made and everything that it says holds; what was not run fails, being required."""
    found = of_check(graph.verdicts, check)
    name, open_ones = f"gate.required.{check}", [verdict for verdict in found if not verdict]
    if not found:
        return Verdict(name, graph.name, Status.FAIL, f"required, but no step has made the check {check}")
    if not open_ones:
        status = Status.PROVEN if all(verdict.status is Status.PROVEN for verdict in found) else Status.PASS
        return Verdict(name, graph.name, status, f"made and held, {len(found)} verdicts")
    told = first_few([f"{verdict.check} {verdict.status.value}: {verdict.explained}" for verdict in open_ones], 1)
    reason = f"required verdicts, of {len(found)}, that do not hold"
    return at_most(name, graph.name, len(open_ones), 0, reason, witness=told)


def judge_limits(graph: Part, spec: ModelSpec, limits: Limits, unmeasured: Iterable[str]) -> Iterator[Verdict]:
    """Judge every figure that a model like this has; those of `unmeasured` checks may be missing."""
    for name, limit in asdict(limits).items():
        figure = _FIGURES[name]
        if figure.exists(spec):
            verdict = _judge_limit(graph, name, figure, limit)
            if verdict.status is not Status.NOT_RUN or figure.check not in unmeasured:
                yield verdict


def worst(verdicts: Iterable[Verdict], check: str, worse: Worse) -> Verdict | None:
    """Return the verdict of `check`, or of what is below it, with the worst figure; None when nothing was measured."""
    measured = [verdict for verdict in of_check(verdicts, check) if _is_measured(verdict)]
    return (max if worse == "higher" else min)(measured, key=lambda verdict: verdict.figure or 0.0, default=None)


def _is_measured(verdict: Verdict) -> bool:
    """Whether a verdict has a figure; a manifest stores NaN as none."""
    return verdict.figure is not None and not math.isnan(verdict.figure)


def judge_figure(check: str, measured: Verdict, worse: Worse, limit: float, against: str = "") -> Verdict:
    """Judge the figure of a verdict by another limit than it was judged by."""
    judge = at_most if worse == "higher" else at_least
    reason = f"{measured.check}: {measured.reason}{against}"
    figure = math.nan if measured.figure is None else measured.figure
    return judge(check, measured.subject, figure, limit, reason, unit=measured.unit, witness=measured.witness)


def _judge_limit(graph: Part, name: str, figure: _Figure, limit: float) -> Verdict:
    """Judge the worst figure; a limit that it keeps is decided only when nothing was left unmeasured."""
    check, found = f"gate.{name}", of_check(graph.verdicts, figure.check)
    missing = [verdict for verdict in found if not _is_measured(verdict)]
    measured = worst(found, figure.check, figure.worse)
    if measured is None:
        reason = missing[0].reason if missing else f"no step has measured {figure.check}"
        return not_run(check, graph.name, reason)
    verdict = judge_figure(check, measured, figure.worse, limit)
    if verdict and missing:
        return not_run(check, graph.name, f"{missing[0].check} has no figure: {missing[0].reason}")
    return verdict
