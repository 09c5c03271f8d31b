"""Safe graphs of several families with one known defect: each is refuted at the defect, and running it shows why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

import numpy as np
import onnx
import pytest

from batchproof.errors import BatchproofError
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.validate.independence import prove
from batchproof.validate.independence.witness import NoWitness, Witness, witness
from batchproof.verdict import Status
from tests.validate.independence.execution import violation
from tests.validate.independence.families.catalogue import FORMS
from tests.validate.independence.families.form import Form, Frame
from tests.validate.independence.families.simplifying import opened
from tests.validate.independence.injection import PREFIX, Mutant, injected
from tests.validate.independence.mutants import MUTANTS
from tests.validate.independence.small_graphs import model, node, weights

# By name of the form; the defects are written for opsets 14 to 17.
HOSTS = (
    "SCRFD bn, dynamic (C), opset 17",
    "ArcFace r100, static, opset 17",
    "ViT, free batch, opset 17",
    "RetinaFace, MXNet, opset 14",
)
_BATCH = 3


@cache
def _host(name: str) -> tuple[Form, onnx.ModelProto]:
    """With the size of its frames declared, for the defects are made for that size."""
    form = next(form for form in FORMS if str(form) == name)
    host = opened(form.model)
    for dim, length in zip(host.graph.input[0].type.tensor_type.shape.dim[1:], form.frame, strict=True):
        dim.dim_value = length
    return form, host


def _places(name: str, *, at_output: bool) -> Iterator[tuple[str, Frame]]:
    """The first output; or an early and a late tensor in front of it that has the batch first."""
    _, host = _host(name)
    output = host.graph.output[0].name
    shapes = _shapes(name)
    if at_output:
        return iter([(output, shapes[output])])
    inner = [tensor for tensor in _in_front_of(host.graph, output) if len(shapes.get(tensor, ())) > 1]
    return iter([(tensor, shapes[tensor]) for tensor in (inner[len(inner) // 8], inner[-len(inner) // 8])])


def _in_front_of(graph: onnx.GraphProto, output: str) -> list[str]:
    needed, found = {output}, []
    for each in reversed(graph.node):
        if needed.intersection(each.output):
            needed.update(each.input)
            found.extend(each.output)
    return found[::-1]


@cache
def _shapes(name: str) -> dict[str, Frame]:
    """Of one frame's share, for all float tensors that have a row for each of three frames when they run."""
    form, host = _host(name)
    probing = onnx.ModelProto()
    probing.CopyFrom(host)
    del probing.graph.output[:]
    probing.graph.output.extend(onnx.ValueInfoProto(name=out) for each in host.graph.node for out in each.output if out)
    random = np.random.default_rng(0).normal(0, 1, (_BATCH, *form.frame)).astype(np.float32)
    values = OnnxRuntimeRunner(probing.SerializeToString(), optimised=False).infer(random)
    rows = {tensor: value for tensor, value in values.items() if value.dtype == np.float32 and value.ndim > 1}
    return {tensor: value.shape[1:] for tensor, value in rows.items() if len(value) == _BATCH}


def _mutated(name: str, mutant: Mutant) -> Iterator[onnx.ModelProto]:
    for tensor, frame in _places(name, at_output=mutant.at_output):
        yield injected(_host(name)[1], tensor, frame, mutant)


def _broken(graph: onnx.ModelProto, frame: Frame) -> str | None:
    try:
        return violation(graph, frame, batches=(_BATCH,))
    except BatchproofError as error:
        return f"a batch of 1 does not run: {error}"


@pytest.mark.parametrize("name", HOSTS)
def test_the_graph_without_a_defect_is_proven(name: str) -> None:
    assert prove(_host(name)[1]).status is Status.PROVEN


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
@pytest.mark.parametrize("name", HOSTS)
def test_a_defect_is_refuted_where_it_is(name: str, mutant: Mutant) -> None:
    for graph in _mutated(name, mutant):
        proof = prove(graph)
        assert (proof.status, proof.kind) == (Status.REFUTED, mutant.kind), proof
        assert proof.node is not None
        assert proof.node.startswith(PREFIX), proof
        assert proof.path[0] == graph.graph.input[0].name
        assert proof.path[-1] == proof.tensor


@pytest.mark.parametrize("name", HOSTS)
def test_a_defect_shows_when_it_runs(name: str) -> None:
    counts: Counter[str] = Counter()
    for mutant in MUTANTS:
        for graph in _mutated(name, mutant):
            broken = _broken(graph, _host(name)[0].frame)
            counts[f"{prove(graph).status.value}, {'violated' if broken else 'holds'}"] += 1
            assert broken, f"{mutant.name} in {name}"
    print(name, dict(counts))
    assert set(counts) == {"refuted, violated"}


SMALL = [
    node("Conv", "image w", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
    node("Reshape", "t target", "out"),
]
CONSTANTS = {"w": weights(4, 4, 3, 3), "target": [0, -1, 4]}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_defect_has_a_witness(mutant: Mutant) -> None:
    tensor, frame = ("out", (48, 4)) if mutant.at_output else ("x", (4, 6, 8))
    graph = injected(model(SMALL, CONSTANTS), tensor, frame, mutant)
    proof = prove(graph)
    assert (proof.status, proof.kind) == (Status.REFUTED, mutant.kind), proof
    assert isinstance(found := witness(graph, proof), Witness) or "does not run" in found.reason, found


def test_what_is_proven_or_does_not_run_has_no_witness() -> None:
    good = model(SMALL, CONSTANTS)
    assert isinstance(witness(good, prove(good)), NoWitness)
    stuck = model([node("Reshape", "image target")], {"target": [4, 48]})
    missing = witness(stuck, prove(stuck))
    assert isinstance(missing, NoWitness)
    assert "does not run" in missing.reason
