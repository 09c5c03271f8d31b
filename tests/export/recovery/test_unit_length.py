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
    "largest of two": [
        node("ReduceL2", "e", "length", axes=[1]),
        node("Max", "low,length", "clipped"),
        node("Div", "e,clipped", "y"),
    ],
    "clipped below alone": [
        node("ReduceL2", "e", "length", axes=[1]),
        node("Clip", "length,low,", "clipped"),
        node("Div", "e,clipped", "y"),
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
    "a sum over what pixels say": [
        node("Mul", "e,e", "squares"),
        node("ReduceMax", "x", "axis"),
        node("ReduceSum", "squares,axis", "sum"),
        node("Sqrt", "sum", "length"),
        node("Div", "e,length", "y"),
    ],
    "a number": [node("Div", "e,two", "y")],
    "root of a number": [node("Sqrt", "two", "length"), node("Div", "e,length", "y")],
    "length of a number": [node("ReduceL2", "two", "length"), node("Div", "e,length", "y")],
    "squares of a number": [node("ReduceSumSquare", "two", "s"), node("Sqrt", "s", "l"), node("Div", "e,l", "y")],
    "sum of a number": [node("ReduceSum", "two", "s"), node("Sqrt", "s", "l"), node("Div", "e,l", "y")],
    "a number, normalised": [node("LpNormalization", "two", "y")],
    "a sum of itself": [node("LpNormalization", "e", "u"), node("Add", "u,two", "y")],
}
# What may stand around a length, and changes it: of each, the one that stands before the division.
CHANGES: dict[str, Nodes] = {
    "a bound of 2": [node("Max", "length,two", "changed")],
    "a bound of 2 among others": [node("Max", "length,low,two", "changed")],
    "a computed bound": [node("ReduceMean", "x", "mean"), node("Max", "length,mean", "changed")],
    "a clip from 2": [node("Clip", "length,two", "changed")],
    "a clip to 3": [node("Clip", "length,low,three", "changed")],
    "a clip from what is computed": [node("ReduceMean", "x", "mean"), node("Clip", "length,mean", "changed")],
    "a clip to what is computed": [node("ReduceMean", "x", "mean"), node("Clip", "length,low,mean", "changed")],
    "a sum with 2": [node("Add", "length,two", "changed")],
    "a sum with -2": [node("Add", "length,minus", "changed")],
    "a sum with what is computed": [node("ReduceMean", "x", "mean"), node("Add", "length,mean", "changed")],
    "a sum with itself": [node("Add", "length,length", "changed")],
    "a size that pixels say": [node("ReduceMax", "x", "size"), node("Expand", "length,size", "changed")],
    "an axis that pixels say": [node("ReduceMax", "x", "axis"), node("ReduceL2", "e,axis", "changed")],
}


def embedding_of(nodes: Nodes) -> Any:
    whole = [helper.make_node("Relu", ["x"], ["e"]), *nodes]
    return before_unit_length(graph(whole, low=1e-12, two=2, three=3, minus=-2), "y")


@pytest.mark.parametrize("tail", TAILS)
def test_a_division_by_the_length_is_seen(tail: str) -> None:
    assert embedding_of(TAILS[tail]) == "e"


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_the_length_is_no_part_of_it(change: str) -> None:
    length, division = node("ReduceL2", "e", "length", axes=[1]), node("Div", "e,changed", "y")
    assert embedding_of([length, node("Identity", "length", "changed"), division]) == "e"
    assert embedding_of([length, *CHANGES[change], division]) is None


@pytest.mark.parametrize("change", ["a bound of 2", "a clip from 2", "a sum with 2", "a sum with what is computed"])
def test_what_changes_the_squares_is_no_part_of_them(change: str) -> None:
    """Under the root: the sum of the squares is what is called `length` there."""
    squares, root = node("ReduceSumSquare", "e", "length", axes=[1]), node("Sqrt", "changed", "root")
    assert embedding_of([squares, *CHANGES[change], root, node("Div", "e,root", "y")]) is None


@pytest.mark.parametrize(("attributes", "seen"), [({"min": 1e-12}, True), ({"min": 2.0}, False), ({"max": 3.0}, False)])
def test_bounds_before_opset_11_are_attributes(attributes: dict[str, float], seen: bool) -> None:
    length, division = node("ReduceL2", "e", "length", axes=[1]), node("Div", "e,clipped", "y")
    assert (embedding_of([length, node("Clip", "length", "clipped", **attributes), division]) == "e") is seen


@pytest.mark.parametrize("tail", OTHERS)
def test_other_tails_are_left(tail: str) -> None:
    assert embedding_of(OTHERS[tail]) is None
