"""A proven graph with one known defect is refuted, and running it shows the defect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest

from batchproof.validate.independence import prove
from batchproof.validate.independence.witness import NoWitness, Witness, witness
from batchproof.verdict import Status
from tests.validate.independence.small_graphs import model, node, weights

BEFORE = [node("Conv", "image w", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1]), node("Relu", "c", "x")]
AFTER = [node("Transpose", "y", "t", perm=[0, 2, 3, 1]), node("Reshape", "t target", "out")]
CONSTANTS = {
    "w": weights(4, 4, 3, 3),
    "target": [0, -1, 4],
    "ones": np.ones(4, np.float32),
    "flat": [-1, 4],
    "frozen": [1, -1, 4],
    "sizes": [1, 4, 6, 8],
    "empty": np.zeros(0, np.float32),
    "zero": [0],
    "one": [1],
    "minus_one": [-1],
    "far": [2**62],
    "near": [-(2**62)],
    "axes": [0],
}

MUTANTS: dict[str, tuple[str, Sequence[onnx.NodeProto]]] = {
    "flattening reshape": ("layout", [*AFTER[:1], node("Reshape", "t flat", "out")]),
    "interleaving reshape": (
        "layout",
        [node("Transpose", "y", "t", perm=[2, 3, 0, 1]), node("Reshape", "t flat", "out")],
    ),
    "frozen batch": ("layout", [*AFTER[:1], node("Reshape", "t frozen", "out")]),
    "constant-size resize": (
        "content",
        [node("Resize", "x empty empty sizes", "r", mode="nearest"), node("Add", "x r", "y"), *AFTER],
    ),
    "softmax over batch": ("content", [node("Softmax", "x", "y", axis=0), *AFTER]),
    "mean over batch": (
        "content",
        [node("ReduceMean", "x", "m", axes=[0]), node("Sub", "x m", "y"), *AFTER],
    ),
    "batch-training BN": (
        "content",
        [
            node("BatchNormalization", "x ones ones ones ones", "y m v", training_mode=1),
            *AFTER,
        ],
    ),
    "flip over batch": ("content", [node("Slice", "x minus_one near axes minus_one", "y"), *AFTER]),
    "roll over batch": (
        "content",
        [
            node("Slice", "x one far axes one", "tail"),
            node("Slice", "x zero one axes one", "head"),
            node("Concat", "tail head", "y", axis=0),
            *AFTER,
        ],
    ),
    "concat over batch": ("layout", [node("Concat", "x x", "y", axis=0), *AFTER]),
    "one frame for all": ("content", [node("Concat", "x image", "z", axis=0),
        node("Gather", "z zero", "y", axis=0), *AFTER]),
}  # fmt: skip


def _graph(nodes: Sequence[onnx.NodeProto]) -> onnx.ModelProto:
    names = {name for each in nodes for name in each.input}
    rename = [] if "x" in names else [node("Identity", "x", "y")]
    return model([*BEFORE, *rename, *nodes], CONSTANTS)


def test_the_graph_without_a_defect_is_proven() -> None:
    assert prove(_graph(AFTER)).status is Status.PROVEN


@pytest.mark.parametrize("name", MUTANTS)
def test_a_defect_is_refuted_and_shown(name: str) -> None:
    kind, nodes = MUTANTS[name]
    mutant = _graph(nodes)
    proof = prove(mutant)
    assert (proof.status, proof.kind) == (Status.REFUTED, kind), proof
    assert proof.path[0] == "image"
    assert proof.path[-1] == proof.tensor
    shown = witness(mutant, proof)
    assert isinstance(shown, Witness), shown


def test_what_is_proven_or_does_not_run_has_no_witness() -> None:
    good = _graph(AFTER)
    assert isinstance(witness(good, prove(good)), NoWitness)
    stuck = model([node("Reshape", "image target")], {"target": [4, 48]})
    missing = witness(stuck, prove(stuck))
    assert isinstance(missing, NoWitness)
    assert "does not run" in missing.reason
