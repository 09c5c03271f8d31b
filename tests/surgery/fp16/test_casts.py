from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir

from batchproof.surgery.fp16.casts import Caster, drop_unread, is_cast, merge
from tests.surgery.tiny_graphs import graph, node, node_of, to_ir

HALF, FLOAT = ir.DataType.FLOAT16, ir.DataType.FLOAT


def _casting(*extra: onnx.NodeProto) -> ir.Model:
    """Two Casts of the image to half, and one to double; both halves are added."""
    nodes = [
        node("Cast", ["image"], "first", to=HALF.value),
        node("Cast", ["image"], "wide", to=ir.DataType.DOUBLE.value),
        node("Cast", ["image"], "second", to=HALF.value),
        *extra,
        node("Add", ["first", "second"], "sum"),
        node("Cast", ["sum"], "out", to=FLOAT.value),
        node("Cast", ["wide"], "other", to=FLOAT.value),
    ]
    dims = ("N", 3, "H", "W")
    return to_ir(graph(nodes, {"out": dims, "other": dims}, image=dims))


def test_readers_of_one_tensor_share_a_cast_to_each_type() -> None:
    model = _casting()
    merge(model.graph)
    names = [each.name for each in model.graph]
    assert names == ["Cast_first", "Cast_wide", "Add_sum", "Cast_out", "Cast_other"]
    assert [value.name for value in node_of(model, "Add_sum").inputs if value] == ["first", "first"]


def test_outputs_of_the_graph_keep_a_cast_each() -> None:
    nodes = [node("Cast", ["image"], name, to=HALF.value) for name in ("out", "other")]
    dims = ("N", 3, "H", "W")
    model = to_ir(graph(nodes, {"out": dims, "other": dims}, image=dims))
    merge(model.graph)
    assert [value.name for value in model.graph.outputs] == ["out", "other"]
    assert len(model.graph) == 2


def test_casts_without_readers_go_and_those_in_front_of_them_too() -> None:
    model = _casting(node("Cast", ["first"], "lost", to=FLOAT.value), node("Cast", ["lost"], "lost_too", to=HALF.value))
    drop_unread(model.graph)
    assert len(model.graph) == 6
    assert not [each for each in model.graph if each.outputs[0].name in ("lost", "lost_too")]


def test_new_casts_stand_beside_their_neighbour_under_a_name_of_their_own() -> None:
    held = {"image_to_half": np.float32(1)}
    model = to_ir(graph([node("Add", ["image", "image_to_half"], "out")], {"out": (1, 3, 4, 4)}, held))
    caster, image, add = Caster(model.graph), model.graph.inputs[0], node_of(model, "Add_out")
    before = caster.before(add, image, HALF)
    behind = caster.behind(add, add.outputs[0], HALF)
    assert [each.name for each in model.graph] == ["image_to_half_again", "Add_out", "out_to_half"]
    assert (before.name, before.dtype, behind.dtype) == ("image_to_half_again", HALF, HALF)
    assert is_cast(before.producer(), HALF)
    assert not is_cast(before.producer(), FLOAT)
    assert not is_cast(None, HALF)
