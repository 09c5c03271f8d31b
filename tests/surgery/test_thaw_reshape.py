from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from torch import Tensor, nn

from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.passes import Reason
from batchproof.surgery.thaw_reshape import ThawReshape
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from tests.surgery.tiny_graphs import SIZE, constant, graph, node, node_of, target_of, to_ir, weights
from tests.validate.independence.networks import SIDE, exported


def _thawed(proto: onnx.ModelProto) -> tuple[ir.Model, dict[str, Reason]]:
    model = to_ir(proto)
    result = ThawReshape()(model)
    return model, {reason.subject: reason for reason in result.reasons}


def _reshaped(target: Sequence[int], *before: onnx.NodeProto, opset: int = 11, **attributes: Any) -> onnx.ModelProto:
    source = before[-1].output[0] if before else "image"
    nodes = [*before, node("Reshape", [source, "target"], "rows", **attributes)]
    return graph(nodes, {"rows": None}, {"target": target}, opset=opset)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ([1, -1, 3], [0, -1, 3]),
        ([1, -1], [0, -1]),
        ([1, 8, 12, 64, 3], [0, 8, 12, 64, 3]),
        ([1, 6144, 3], [0, -1, 3]),
        ([1, 0, -1], [0, 0, -1]),
        ([1, 3, 0, 96], [0, 3, 0, 96]),
    ],
)
def test_a_frozen_first_axis_is_copied(target: list[int], expected: list[int]) -> None:
    model, reasons = _thawed(_reshaped(target))
    assert target_of(model, "Reshape_rows") == expected
    assert reasons["Reshape_rows"].changed


@pytest.mark.parametrize(
    ("perm", "target", "expected"),
    [
        ([1, 0, 2, 3], [3, 1, 6144], [3, 0, 6144]),
        ([1, 0, 2, 3], [1, 3, 1, 6144], [1, 3, -1, 6144]),
        ([1, 2, 3, 0], [192, 96, 1], [192, 96, -1]),
    ],
)
def test_the_batch_is_put_behind_what_lies_outside_of_it(
    perm: list[int], target: list[int], expected: list[int]
) -> None:
    model, _ = _thawed(_reshaped(target, node("Transpose", ["image"], "t", perm=perm)))
    assert target_of(model, "Reshape_rows") == expected


def test_a_target_in_a_constant_node_is_changed_there() -> None:
    nodes = [constant("target", [1, -1]), node("Reshape", ["image", "target"], "rows")]
    model, _ = _thawed(graph(nodes, {"rows": None}))
    assert target_of(model, "Reshape_rows") == [0, -1]
    assert [each.op_type for each in model.graph] == ["Constant", "Reshape"]


def test_an_unrelated_reader_of_the_target_keeps_it() -> None:
    nodes = [
        node("Reshape", ["image", "target"], "rows"),
        node("Reshape", ["table", "target"], "flat_table"),
        node("Add", ["rows", "flat_table"], "sum"),
    ]
    held = {"target": [1, -1], "table": weights((3, SIZE.height, SIZE.width))}
    model, reasons = _thawed(graph(nodes, {"sum": None}, held))
    assert target_of(model, "Reshape_rows") == [0, -1]
    assert target_of(model, "Reshape_flat_table") == [1, -1]
    assert reasons["Reshape_flat_table"].sentence == "not changed because its input 'table' is a constant"


def test_a_thawed_reshape_shows_the_batch_to_the_next_one() -> None:
    nodes = [node("Reshape", ["image", "one"], "first"), node("Reshape", ["first", "two"], "second")]
    model, _ = _thawed(graph(nodes, {"second": None}, {"one": [1, 3, 64, 96], "two": [1, -1]}))
    assert target_of(model, "Reshape_first") == [0, 3, 64, 96]
    assert target_of(model, "Reshape_second") == [0, -1]


def test_allowzero_goes_where_the_target_had_no_zero() -> None:
    model, _ = _thawed(_reshaped([1, -1], opset=14, allowzero=1))
    assert target_of(model, "Reshape_rows") == [0, -1]
    assert "allowzero" not in node_of(model, "Reshape_rows").attributes


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ([0, -1], "its target [0, -1] copies an axis that follows the batch or the image"),
        ([-1, 18432], "its target [-1, 18432] is not written for one frame"),
        ([2, 18432], "its target [2, 18432] is not written for one frame"),
        ([3, -1], "its target [3, -1] is not written for one frame"),
    ],
)
def test_what_is_not_frozen_is_left(target: list[int], sentence: str) -> None:
    model, reasons = _thawed(_reshaped(target))
    assert target_of(model, "Reshape_rows") == target
    assert reasons["Reshape_rows"].sentence == f"not changed because {sentence}"


def test_a_graph_without_reshape_says_so() -> None:
    _, reasons = _thawed(graph([node("Relu", ["image"], "out")], {"out": None}))
    assert reasons["tiny"].sentence == "not changed because the graph has no Reshape"


class SequenceFirst(nn.Module):
    """Attention as torch.nn.MultiheadAttention does it: batch and heads share an axis, and so do tokens and batch."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.query, self.key, self.value, self.out = (nn.Linear(16, 16) for _ in range(4))

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image).flatten(2).permute(2, 0, 1)
        tokens, batch, width = x.shape
        q, k, v = (
            made(x).reshape(tokens, batch * 4, width // 4).transpose(0, 1)
            for made in (self.query, self.key, self.value)
        )
        mixed = (q @ k.transpose(1, 2)).softmax(-1) @ v
        x = self.out(mixed.transpose(0, 1).reshape(tokens * batch, width)).reshape(tokens, batch, width)
        result: Tensor = x.mean(0)
        return result


def test_shared_axes_are_derived_from_the_proof() -> None:
    """Traced for one frame, three targets have no 1 for the batch, and each could take it in at two axes."""
    torch.manual_seed(0)
    frozen = exported(SequenceFirst(), dynamic=False)
    assert prove(frozen).status is Status.REFUTED
    model, reasons = _thawed(frozen)
    thawed = ir.serde.serialize_model(model)
    assert prove(thawed).status is Status.PROVEN
    assert any("most tensors keep the frames apart with" in reason.sentence for reason in reasons.values())
    del thawed.graph.value_info[:]
    thawed.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    thawed.graph.output[0].type.tensor_type.ClearField("shape")
    frames = np.random.default_rng(0).normal(0, 1, (3, 3, SIDE, SIDE)).astype(np.float32)
    original, runner = (OnnxRuntimeRunner(each.SerializeToString(), optimised=False) for each in (frozen, thawed))
    alone = [next(iter(original.infer(frames[n : n + 1]).values())) for n in range(3)]
    np.testing.assert_allclose(next(iter(runner.infer(frames).values())), np.concatenate(alone), atol=1e-6)


class Heads(nn.Module):
    """`nn.MultiheadAttention` as transformer layers call it."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2)
        result: Tensor = self.attention(x, x, x, need_weights=False)[0].mean(1)
        return result


def test_where_two_axes_keep_as_much_apart_the_innermost_is_taken() -> None:
    torch.manual_seed(0)
    frozen = exported(Heads(), dynamic=False)
    assert prove(frozen).status is Status.REFUTED
    model, _ = _thawed(frozen)
    assert prove(ir.serde.serialize_model(model)).status is Status.PROVEN
