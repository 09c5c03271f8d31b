"""Rules that compare with a baseline, the manifest of an earlier run: no figure may get worse than its slack allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from batchproof.artifacts.manifest import Manifest
from batchproof.gate.graph_rules import KNOWN_CHECKS, judge_figure, worst
from batchproof.gate.part import Part, Parts
from batchproof.gate.rules import Slack
from batchproof.verdict import Verdict, not_run


def judge_regressions(model: str, now: Parts, before: Parts, slacks: Mapping[str, Slack]) -> Iterator[Verdict]:
    """Compare every figure that either of them has, the worst of the store with the worst of the baseline."""
    graphs = {part.precision: part for part in (*before.of(model), *now.of(model))}
    for precision in graphs:
        for check, slack in slacks.items():
            yield from _compare(now.part(model, precision), before.part(model, precision), check, slack)


def judge_others(now: Parts, before: Parts, slacks: Mapping[str, Slack]) -> Iterator[Verdict]:
    """Compare what belongs to no single model, such as the speed of a pipeline of two, subject by subject."""
    rest, old = now.of_nobody, before.of_nobody
    for subject in dict.fromkeys(record.subject for part in (old, rest) for record in part.records):
        for check, slack in slacks.items():
            yield from _compare(rest.about(subject), old.about(subject), check, slack)


def judge_names(pack: str, now: Manifest, before: Manifest, slacks: Mapping[str, Slack]) -> Iterator[Verdict]:
    """Say which names of checks nobody knows: one that is mistyped would compare nothing."""
    for check, slack in slacks.items():
        if check in KNOWN_CHECKS:  # which a store without such models need not have
            continue
        if worst(now.verdicts, check, slack.worse) is None and worst(before.verdicts, check, slack.worse) is None:
            reason = "neither the store nor the baseline has a figure of this name"
            yield not_run(f"gate.regression.{check}", pack, reason)


def _compare(now: Part, before: Part, check: str, slack: Slack) -> Iterator[Verdict]:
    name = f"gate.regression.{check}"
    new, old = (worst(part.verdicts, check, slack.worse) for part in (now, before))
    if new and old:
        limit = _limit(old.figure or 0.0, slack)
        yield judge_figure(name, new, slack.worse, limit, against=f"; the baseline has {old.figure:g}")
    elif new:
        yield not_run(name, now.name, "the baseline has no such figure: renew it with the manifest of this run")
    elif old:
        yield not_run(name, now.name, f"the baseline has {old.figure:g}, the store has not measured it")


def _limit(figure: float, slack: Slack) -> float:
    room = max(slack.relative * abs(figure), slack.absolute)
    return figure + room if slack.worse == "higher" else figure - room
