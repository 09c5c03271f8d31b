from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.export.recovery.test_layers import Nodes, graph, node

SIZES = [node("Shape", "x", "shape"), node("Gather", "shape,one", "entry"), node("Concat", "entry,minus", "size")]
PIXELS = [node("ReduceMax", "x", "most"), node("Cast", "most", "whole", to=7), node("Concat", "whole,minus", "size")]
DRAWN = [
    node("Shape", "x", "shape"),
    node("RandomUniformLike", "shape", "drawn"),
    node("Concat", "drawn,minus", "size"),
]
RAW = [node("Cast", "x", "whole", to=7), node("Concat", "whole,minus", "size")]
COUNTED = [
    node("NonZero", "x", "bright"),
    node("Shape", "bright", "shape"),
    node("Gather", "shape,one", "entry"),
    node("Concat", "entry,minus", "size"),
]
ENLARGED = [
    node("Relu", "x", "map"),
    *SIZES[:1],
    node("Resize", "map,,,shape", "large"),
    node("Shape", "large", "other"),
    node("Gather", "other,one", "entry"),
    node("Concat", "entry,minus", "size"),
]
ENLARGED_BY_PIXELS = [
    *PIXELS[:2],
    node("Resize", "x,,,whole", "large"),
    node("Shape", "large", "other"),
    node("Concat", "other,minus", "size"),
]
ONE = {"kernel_shape": [1, 1]}


def kind(nodes: Nodes, behind: str = "y") -> str | None:
    found = graph(nodes, one=[1], minus=[-1], no=0, yes=1).layer(behind)
    return None if found is None else found.kind


@pytest.mark.parametrize("view", ["Reshape", "Squeeze", "Unsqueeze"])
def test_a_view_goes_where_constants_and_shapes_say(view: str) -> None:
    assert kind([node(view, "x,minus", "y")]) is None
    assert kind([*SIZES, node(view, "x,size", "y")]) is None
    assert kind([*ENLARGED, node(view, "x,size", "y")]) is None


@pytest.mark.parametrize("view", ["Reshape", "Squeeze", "Unsqueeze"])
@pytest.mark.parametrize(
    "said", [PIXELS, RAW, COUNTED, ENLARGED_BY_PIXELS, DRAWN], ids=["value", "image", "count", "size", "chance"]
)
def test_where_pixels_or_chance_decide_it_is_a_layer(view: str, said: Nodes) -> None:
    assert kind([*said, node(view, "x,size", "y")]) == view


@pytest.mark.parametrize("sized", ["Resize", "Upsample", "Expand"])
def test_sizes_are_no_values_that_a_layer_takes_and_pixels_are(sized: str) -> None:
    for said, count in ((SIZES, 1), (PIXELS, 2), (DRAWN, 2)):
        layer = graph([*said, node(sized, "x,size", "y")], one=[1], minus=[-1]).layer("y")
        assert layer is not None
        assert len(layer.inputs) == count


@pytest.mark.parametrize(("inputs", "expected"), [("x", None), ("x,no", None), ("x,no,no", None)])
def test_a_dropout_that_drops_nothing_is_a_view(inputs: str, expected: None) -> None:
    assert kind([node("Dropout", inputs, "y")]) is expected


@pytest.mark.parametrize("inputs", ["x,no,yes", "x,no,x"])
def test_a_dropout_that_drops_or_may_is_a_layer(inputs: str) -> None:
    assert kind([node("Dropout", inputs, "y")]) == "Dropout"


@pytest.mark.parametrize("attributes", [ONE, {**ONE, "pads": [0, 0, 0, 0]}])
def test_a_pool_of_one_pixel_is_a_view(attributes: dict[str, Any]) -> None:
    assert kind([node("AveragePool", "x", "y", **attributes)]) is None


@pytest.mark.parametrize("other", [{"pads": [1, 1, 1, 1]}, {"strides": [2, 2]}, {"kernel_shape": [2, 2]}])
def test_a_pool_that_moves_or_mixes_pixels_is_none(other: dict[str, Any]) -> None:
    assert kind([node("MaxPool", "x", "y", **{**ONE, **other})]) == "MaxPool"


@pytest.mark.parametrize("view", ["Dropout", "MaxPool"])
def test_the_second_output_of_a_view_is_another_thing(view: str) -> None:
    """Which numbers were dropped, or where the largest was."""
    made = node(view, "x", "data", **(ONE if view == "MaxPool" else {}))
    made.output.append("y")
    layer = graph([made], no=np.zeros(1)).layer("y")
    assert layer is not None
    assert (layer.kind, layer.settings["part"]) == (view, 1)
