from __future__ import annotations

from typing import Any

import pytest
from onnx import helper

from batchproof.export.recovery.unit_length import before_unit_length
from tests.export.recovery.test_layers import Nodes, graph, node

TAILS: dict[str, Nodes] = {
    "torch": [
        node("ReduceL2", "e", "length", axes=[1]),
        node("Clip", "length,low", "clipped"),
        node("Shape", "e", "size"),
        node("Expand", "clipped,size", "whole"),
        node("Div", "e,whole", "y"),
    ],
    "plain": [node("ReduceL2", "e", "length", axes=[1]), node("Div", "e,length", "y")],
    "operator": [node("LpNormalization", "e", "y", axis=1, p=2)],
    "squares": [
        node("Mul", "e,e", "squares"),
        node("ReduceSum", "squares", "sum", axes=[1]),
        node("Sqrt", "sum", "length"),
        node("Div", "e,length", "y"),
    ],
    "powers": [
        node("Pow", "e,two", "squares"),
        node("ReduceSum", "squares", "sum", axes=[1]),
        node("Add", "sum,low", "more"),
        node("Sqrt", "more", "length"),
        node("Div", "e,length", "y"),
    ],
    "sum of squares": [
        node("ReduceSumSquare", "e", "sum", axes=[1]),
        node("Sqrt", "sum", "length"),
        node("Div", "e,length", "y"),
    ],
}
OTHERS: dict[str, Nodes] = {
    "nothing": [node("Identity", "e", "y")],
    "sum of absolute values": [node("LpNormalization", "e", "y", axis=1, p=1)],
    "other length": [node("ReduceL2", "x", "length", axes=[1]), node("Div", "e,length", "y")],
    "largest value": [node("ReduceMax", "e", "length", axes=[1]), node("Div", "e,length", "y")],
    "other squares": [
        node("Mul", "e,x", "squares"),
        node("ReduceSum", "squares", "sum", axes=[1]),
        node("Sqrt", "sum", "length"),
        node("Div", "e,length", "y"),
    ],
    "cubes": [
        node("Pow", "e,three", "squares"),
        node("ReduceSum", "squares", "sum", axes=[1]),
        node("Sqrt", "sum", "length"),
        node("Div", "e,length", "y"),
    ],
    "a number": [node("Div", "e,two", "y")],
}


def embedding_of(nodes: Nodes) -> Any:
    whole = [helper.make_node("Relu", ["x"], ["e"]), *nodes]
    return before_unit_length(graph(whole, low=1e-12, two=2, three=3), "y")


@pytest.mark.parametrize("tail", TAILS)
def test_a_division_by_the_length_is_seen(tail: str) -> None:
    assert embedding_of(TAILS[tail]) == "e"


@pytest.mark.parametrize("tail", OTHERS)
def test_other_tails_are_left(tail: str) -> None:
    assert embedding_of(OTHERS[tail]) is None
