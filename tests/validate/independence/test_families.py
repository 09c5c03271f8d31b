"""Every family in the forms in which its files exist: the verdict, the culprit, the time, and what running shows."""

from __future__ import annotations

from collections import Counter

import pytest

from batchproof.validate.independence import prove
from batchproof.verdict import Status
from tests.validate.independence.execution import violation
from tests.validate.independence.families.catalogue import FORMS
from tests.validate.independence.families.form import Form
from tests.validate.independence.families.simplifying import alone, opened
from tests.validate.independence.families.table import markdown, timed

LONGEST_MS = 2000


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_form_gets_its_verdict(form: Form) -> None:
    proof, took = timed(form)
    assert (proof.status, proof.op, proof.kind) == (form.status, form.culprit, form.kind), proof
    assert took < LONGEST_MS
    assert len(proof.outputs) == len(form.model.graph.output)


def test_the_deepest_family_takes_less_than_two_seconds() -> None:
    deepest = max(FORMS, key=lambda form: "ArcFace r100" in form.family and len(form.model.graph.node))
    _, took = timed(deepest)
    print(f"{deepest}: {len(deepest.model.graph.node)} nodes in {took:.0f} ms")
    assert len(deepest.model.graph.node) > 250
    assert took < LONGEST_MS


def test_of_nine_broken_tails_the_first_is_blamed() -> None:
    official = next(form for form in FORMS if form.form == "official (A)").model
    reshapes = [each.name for each in official.graph.node if each.op_type == "Reshape"]
    assert len(reshapes) == len(official.graph.output) == 9
    assert prove(official).node == reshapes[0]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_declared_batch_decides_nothing(form: Form) -> None:
    proof = prove(opened(form.model))
    assert (proof.status, proof.op, proof.kind) == (form.status, form.culprit, form.kind), proof


def test_running_agrees_with_every_verdict() -> None:
    counts: Counter[tuple[Status, bool]] = Counter()
    for form in FORMS:
        status, broken = prove(form.model).status, _violation(form)
        counts[status, broken is not None] += 1
        assert status is Status.UNKNOWN or (status is Status.REFUTED) == (broken is not None), f"{form}: {broken}"
    print({f"{status.value}, {'violated' if broken else 'holds'}": count for (status, broken), count in counts.items()})
    assert counts[Status.PROVEN, False] > 20
    assert counts[Status.REFUTED, True] > 10


def _violation(form: Form) -> str | None:
    """Of whichever output shows one."""
    graphs = [alone(opened(form.model), output.name) for output in form.model.graph.output]
    return next((broken for graph in graphs if (broken := violation(graph, form.frame, batches=(1, 3)))), None)


def test_the_table_has_a_row_for_each_form() -> None:
    head, _, *rows = markdown(FORMS[:3]).splitlines()
    assert head.startswith("| family | form | nodes |")
    assert [row.split(" | ")[3] for row in rows] == [form.status.value for form in FORMS[:3]]
