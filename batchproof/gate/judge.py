"""The judgement on a store: all rules, on all its models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from batchproof.artifacts.manifest import Manifest
from batchproof.gate.graph_rules import judge_limits, judge_required
from batchproof.gate.model_rules import judge_growth, judge_licence, judge_presence, judge_sizes
from batchproof.gate.part import Parts
from batchproof.gate.regression import judge_names, judge_others, judge_regressions
from batchproof.gate.rules import GateRules
from batchproof.gate.store_rules import judge_failures, judge_files, judge_parents
from batchproof.verdict import Status, Verdict, exit_code, not_run


class Judgement(NamedTuple):
    """The verdicts on one model, or on what belongs to no model; then `about` is the pack."""

    about: str
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class Case:
    """What is judged: the store at `root`, by `rules`, against the manifest of an earlier run where there is one."""

    manifest: Manifest
    root: Path
    rules: GateRules
    baseline: Manifest | None = None


def judge(case: Case) -> list[Judgement]:
    """Judge the store itself, then each of its models, then those that it should have; reads every artifact."""
    now = Parts(case.manifest)
    wanted = [*case.rules.models.expected, *(case.baseline.models if case.baseline else ())]
    return [
        Judgement(case.manifest.pack, tuple(_store(case, now))),
        *(Judgement(model, tuple(_model(case, now, model))) for model in case.manifest.models),
        *(
            Judgement(model, tuple(_absent(case, model)))
            for model in dict.fromkeys(wanted)
            if model not in case.manifest.models
        ),
    ]


def decided(verdicts: Iterable[Verdict]) -> int:
    """Return the exit code: 1 when a rule is broken, 3 when one could not be decided, 0 when all hold."""
    verdicts = list(verdicts)
    return exit_code(verdicts) or (0 if all(verdicts) else 3)


def _store(case: Case, now: Parts) -> Iterator[Verdict]:
    pack, rest = case.manifest.pack, [now.of_nobody]
    if not case.manifest.models:
        yield Verdict("gate.models", pack, Status.FAIL, "the store holds no model: run batchproof again")
    yield judge_files(case.root, rest, pack)
    yield judge_parents(case.manifest, rest, pack)
    yield judge_failures(rest, pack)
    yield from judge_sizes(rest, case.rules.bytes, pack)
    if case.baseline:
        yield from judge_names(pack, case.manifest, case.baseline, case.rules.regression)
        yield from judge_others(now, Parts(case.baseline), case.rules.regression)


def _model(case: Case, now: Parts, model: str) -> Iterator[Verdict]:
    rules, entry, parts = case.rules, case.manifest.models[model], now.of(model)
    if model in rules.models.expected:
        yield judge_presence(model, there=True)
    yield judge_licence(model, entry, rules.licence)
    yield judge_files(case.root, parts, model)
    yield judge_parents(case.manifest, parts, model)
    yield judge_failures(parts, model)
    yield from judge_sizes(parts, rules.bytes, model)
    for graph in now.graphs(model, rules.required.precisions):
        yield from (judge_required(graph, check) for check in rules.required.checks)
        limits = rules.fp32 if graph.precision == "fp32" else rules.fp16
        yield from judge_limits(graph, entry.spec, limits, rules.unmeasured.get(model, ()))
    if case.baseline:
        yield from _against(case.baseline, case, now, model)


def _against(baseline: Manifest, case: Case, now: Parts, model: str) -> Iterator[Verdict]:
    if model not in baseline.models:
        reason = "the baseline has no such model: renew it with the manifest of this run"
        yield not_run("gate.baseline", model, reason)
        return
    before = Parts(baseline)
    yield from judge_growth(now.of(model), before.of(model), case.rules.bytes.growth, model)
    yield from judge_regressions(model, now, before, case.rules.regression)


def _absent(case: Case, model: str) -> Iterator[Verdict]:
    if model in case.rules.models.expected:
        yield judge_presence(model, there=False)
    if case.baseline and model in case.baseline.models:
        yield Verdict("gate.baseline", model, Status.FAIL, "the baseline has this model, the store has lost it")
