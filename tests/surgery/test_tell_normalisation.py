from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from batchproof.surgery.fold_normalisation import FoldNormalisation
from batchproof.surgery.passes import PassResult
from batchproof.surgery.raw_input import RawInput
from batchproof.surgery.repair import repair
from batchproof.surgery.tell_normalisation import TellNormalisation
from batchproof.zoo.recognise import recognise
from tests.surgery import real_models
from tests.surgery.real_models import REAL_MODELS
from tests.surgery.tiny_graphs import constant, graph, node, to_ir, weights

IMAGE = ("N", 3, 112, 112)
HELD = {"mean": np.float32(127.5), "std": np.float32(127.5), "w": weights((16, 3, 28, 28)), "rows": [0, -1]}


def _embedder(front: list[onnx.NodeProto], *, opset: int = 11) -> onnx.ModelProto:
    """Nodes that make `x` of `image`, and an embedder behind them."""
    behind = [
        node("Conv", ["x", "w"], "features", strides=[28, 28]),
        node("Reshape", ["features", "rows"], "embedding"),
    ]
    return graph([*front, *behind], {"embedding": ["N", 256]}, HELD, image=IMAGE, opset=opset)


def _told(proto: onnx.ModelProto) -> tuple[onnx.ModelProto, PassResult]:
    model = to_ir(proto)
    result = TellNormalisation(recognise(proto))(model)
    return ir.serde.serialize_model(model), result


def _names(model: onnx.ModelProto) -> list[str]:
    return [each.name for each in model.graph.node]


HIDDEN = {
    "torch": [
        node("Sub", ["image", "mean"], "y", name="/Sub"),
        node("Div", ["y", "std"], "x", name="/Div"),
    ],
    "scaled first": [
        node("Mul", ["image", "std"], "y", name="node_mul"),
        node("Add", ["y", "mean"], "x", name="node_add"),
    ],
    "uint8, channels last": [
        node("Transpose", ["image"], "a", perm=[0, 1, 2, 3], name="t"),
        node("Cast", ["a"], "b", to=onnx.TensorProto.FLOAT, name="c"),
        node("Sub", ["b", "mean"], "y", name="s"),
        node("Mul", ["y", "std"], "x", name="m"),
    ],
}


@pytest.mark.parametrize("form", HIDDEN)
def test_a_hidden_normalisation_is_told(form: str) -> None:
    model = _embedder(HIDDEN[form])
    assert recognise(model).spec.input.mean == 127.5  # twice, then
    told, result = _told(model)
    assert recognise(told).spec.input.mean == 0.0
    assert all("do it a second time" in reason.sentence for reason in result.reasons)
    assert len(result.reasons) == 2


def test_a_half_hidden_one_keeps_the_name_that_is_understood() -> None:
    front = [node("Sub", ["image", "mean"], "y", name="Sub_7"), node("Mul", ["y", "std"], "x", name="/Mul")]
    told, result = _told(_embedder(front))
    assert _names(told)[:2] == ["Sub_7", "Mul_/Mul"]
    assert [reason.changed for reason in result.reasons] == [False, True]


def test_a_pretended_normalisation_is_renamed() -> None:
    """A PRelu, spelled out: insightface would feed this graph pixels that nobody has normalised."""
    front = [
        node("Relu", ["image"], "a", name="Relu_0"),
        node("Abs", ["image"], "b", name="Abs_1"),
        node("Sub", ["image", "b"], "c", name="Sub_2"),
        node("Mul", ["c", "std"], "d", name="Mul_3"),
        node("Add", ["a", "d"], "x", name="Add_4"),
    ]
    model = _embedder(front)
    assert recognise(model).spec.input.mean == 0.0
    told, result = _told(model)
    assert recognise(told).spec.input.mean == 127.5
    assert _names(told)[:5] == ["Relu_0", "Abs_1", "node_Sub_2", "node_Mul_3", "Add_4"]
    assert "take it for a part of the normalisation" in result.reasons[0].sentence


@pytest.mark.parametrize("names", [("Sub_0", "Mul_1"), ("_minusscalar0", "_mulscalar0")])
def test_what_is_told_rightly_is_left(names: tuple[str, str]) -> None:
    front = [node("Sub", ["image", "mean"], "y", name=names[0]), node("Mul", ["y", "std"], "x", name=names[1])]
    model = _embedder(front)
    told, result = _told(model)
    assert _names(told) == _names(model)
    assert not result.modified
    assert "inside the graph" in result.reasons[0].sentence


def test_weights_that_are_inputs_normalise_too() -> None:
    front = [node("Sub", ["image", "mean"], "y", name="a"), node("Mul", ["y", "std"], "x", name="b")]
    model = _embedder(front)
    model.graph.input.append(onnx.helper.make_tensor_value_info("mean", onnx.TensorProto.FLOAT, []))
    assert _told(model)[1].modified


def test_a_size_that_is_read_too_hides_nothing() -> None:
    front = [
        node("Shape", ["image"], "shape"),
        node("Sub", ["image", "mean"], "y", name="a"),
        node("Mul", ["y", "std"], "x", name="b"),
    ]
    assert _told(_embedder(front))[1].modified


def test_a_scale_alone_is_no_normalisation_that_insightface_knows() -> None:
    front = [node("Mul", ["image", "std"], "x", name="/Mul")]
    assert not _told(_embedder(front))[1].modified


def test_a_normalisation_behind_eight_nodes_cannot_be_told() -> None:
    front = [
        *(constant(f"k{index}", np.float32(index)) for index in range(8)),
        node("Sub", ["image", "k1"], "y", name="a"),
        node("Mul", ["y", "k2"], "x", name="b"),
    ]
    with pytest.raises(
        ir.passes.PostconditionError, match="'Sub_a' and 'Mul_b' normalise the input, but are not among"
    ):
        _told(_embedder(front))


def test_it_agrees_with_what_we_fold_in() -> None:
    model = _embedder([node("Identity", ["image"], "x")])
    for raw in (RawInput("uint8", "NHWC", "BGR"), RawInput("float32", "NCHW", "RGB")):
        work = to_ir(onnx.ModelProto.FromString(model.SerializeToString()))
        FoldNormalisation(recognise(model), raw)(work)
        assert not TellNormalisation(recognise(model))(work).modified


@pytest.mark.parametrize("name", REAL_MODELS)
def test_real_files_tell_the_truth_before_and_after_surgery(name: str, test_data: Path) -> None:
    model = real_models.read(test_data, name)
    for each in (model, repair(model, recognise(model)).model):
        assert not _told(each)[1].modified
