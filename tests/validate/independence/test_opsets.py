"""The same small models in every opset that files have: what was an attribute became an input, and defaults changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import pytest

from batchproof.validate.independence import prove
from batchproof.verdict import Status
from tests.validate.independence.rule_cases import Case, misfiles, mixes
from tests.validate.independence.small_graphs import model, node, weights

OPSETS = (7, 8, 9, 10, 11, 13, 16, 18, 19, 20, 21, 22, 23)
# From this opset on, these operators take the list as an input.
_LIST_IS_INPUT = {"Squeeze": 13, "Unsqueeze": 13, "ReduceSum": 13, "ReduceMean": 18, "ReduceMax": 18, "Split": 13}


class Small:
    """A graph of one chain, written for one opset."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Any] = {}
        self.last = "image"

    def then(self, op: str, *others: str, outputs: int = 1, **attributes: Any) -> Small:
        """Append a node that takes the last result, and `others`."""
        names = [f"t{len(self.nodes)}", *(f"t{len(self.nodes)}_{index}" for index in range(1, outputs))]
        self.nodes.append(node(op, " ".join((self.last, *others)), " ".join(names), **attributes))
        self.last = names[0]
        return self

    def constant(self, values: Any) -> str:
        """An initialiser."""
        name = f"c{len(self.constants)}"
        self.constants[name] = values
        return name

    def listed(self, op: str, name: str, values: Sequence[int], **settings: Any) -> Small:
        """A node whose list is an attribute before some opset and an input from there on."""
        if self.opset < _LIST_IS_INPUT[op]:
            return self.then(op, **{**settings, name: list(values)})
        return self.then(op, self.constant(list(values)), **settings)

    def slice(self, start: int, end: int, axis: int) -> Small:
        """Attributes until opset 9."""
        if self.opset < 10:
            return self.then("Slice", starts=[start], ends=[end], axes=[axis])
        return self.then("Slice", *(self.constant([number]) for number in (start, end, axis)))

    def scaled(self, *scales: float) -> Small:
        """Upsample, the Resize of opset 10, and that with a region."""
        values = np.array(scales, np.float32)
        if self.opset < 9:
            return self.then("Upsample", scales=[float(scale) for scale in scales])
        op = "Upsample" if self.opset < 10 else "Resize"
        region = ["-"] if self.opset > 12 else [self.constant(np.zeros(0, np.float32))] if self.opset > 10 else []
        return self.then(op, *region, self.constant(values), mode="nearest")

    def padded(self, *pads: int) -> Small:
        """Attribute until opset 10."""
        return self.then("Pad", pads=pads) if self.opset < 11 else self.then("Pad", self.constant(pads))

    def clipped(self) -> Small:
        """Attributes until opset 10."""
        if self.opset < 11:
            return self.then("Clip", min=-1.0, max=1.0)
        return self.then("Clip", self.constant(np.float32(-1)), self.constant(np.float32(1)))

    def top(self, axis: int) -> Small:
        """Attribute until opset 9."""
        if self.opset < 10:
            return self.then("TopK", outputs=2, k=1, axis=axis)
        return self.then("TopK", self.constant([1]), outputs=2, axis=axis)


def classifier(g: Small) -> Small:
    ones = [g.constant(np.ones(5, np.float32)) for _ in range(4)]
    g.then("Conv", g.constant(weights(5, 4, 3, 3)), pads=[1] * 4).then("BatchNormalization", *ones).then("Relu")
    g.then("MaxPool", kernel_shape=[2, 2], strides=[2, 2]).then("Dropout").then("GlobalAveragePool").then("Flatten")
    return g.then("Gemm", g.constant(weights(5, 3)), g.constant(weights(3))).then("Softmax", axis=1)


def statistics(g: Small) -> Small:
    g.listed("ReduceMean", "axes", [3]).listed("Squeeze", "axes", [3]).listed("Unsqueeze", "axes", [1])
    return g.listed("Split", "split", [1, 3], axis=2, outputs=2).listed("ReduceSum", "axes", [3], keepdims=0)


def pyramid(g: Small) -> Small:
    return g.slice(1, 5, 2).scaled(1, 1, 2, 2).padded(0, 0, 1, 1, 0, 0, 1, 1).clipped().top(1)


def instance_norm(g: Small) -> Small:
    ones = [g.constant(np.ones(2, np.float32)) for _ in range(2)]
    return g.then("Reshape", g.constant([0, 2, -1])).then("InstanceNormalization", *ones)


SAFE: tuple[Callable[[Small], Small], ...] = (classifier, statistics, pyramid, instance_norm)
CONTENT: dict[str, Callable[[Small], Small]] = {
    "softmax": lambda g: g.then("Softmax", axis=0),
    "maximum": lambda g: g.listed("ReduceMax", "axes", [0]).then("Add", "image"),
    "sum": lambda g: g.listed("ReduceSum", "axes", [0]).then("Add", "image"),
    "first frame": lambda g: g.slice(0, 1, 0).then("Add", "image"),
    "doubled": lambda g: g.scaled(2, 1, 1, 1),
    "padded": lambda g: g.padded(1, *[0] * 7),
    "best frame": lambda g: g.top(0).then("Add", "image"),
    "halves": lambda g: g.listed("Split", "split", [1, 2], axis=0, outputs=2),
}
LAYOUT: dict[str, Callable[[Small], Small]] = {
    "squeezed": lambda g: g.listed("Squeeze", "axes", [0]),
    "unsqueezed": lambda g: g.listed("Unsqueeze", "axes", [0]),
    "flattened": lambda g: g.then("Flatten", axis=2),
    "frozen": lambda g: g.then("Reshape", g.constant([1, 4, 48])),
}


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("build", SAFE)
def test_a_safe_model(build: Callable[[Small], Small], opset: int) -> None:
    built = build(Small(opset))
    Case(built.nodes, built.constants, opset=opset).check()


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", CONTENT)
def test_a_model_that_mixes(name: str, opset: int) -> None:
    built = CONTENT[name](Small(opset))
    mixes(built.nodes, built.constants, opset=opset).check()


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", LAYOUT)
def test_a_model_that_misfiles(name: str, opset: int) -> None:
    built = LAYOUT[name](Small(opset))
    misfiles(built.nodes, built.constants, opset=opset).check()


@pytest.mark.parametrize("build", SAFE)
@pytest.mark.parametrize("opset", [1, 4, 5, 6])
def test_an_opset_older_than_the_rules_is_unknown(build: Callable[[Small], Small], opset: int) -> None:
    built = build(Small(opset))
    proof = prove(model(built.nodes, built.constants, opset=opset, output=built.last))
    assert proof.status is Status.UNKNOWN
    assert f"the graph has {opset}" in proof.reason
