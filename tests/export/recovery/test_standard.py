"""What has the name of a standard operator and computes something else must not be taken for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from batchproof.errors import InputError
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.recovery.recover import recover
from batchproof.export.recovery.standard import require_standard
from batchproof.export.seeded import seeded

NAME = "mobilefacenet_112"


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    path = tmp_path / "network.onnx"
    export_onnx(seeded(NAME, 0), CATALOGUE[NAME].spec, path, metadata={})
    return path


def test_the_network_itself_is_recovered(exported: Path) -> None:
    assert recover(exported).architecture == NAME


def test_an_operator_of_another_domain_is_refused(exported: Path) -> None:
    model = onnx.load(exported)
    next(node for node in model.graph.node if node.op_type in ("PRelu", "Relu")).domain = "evil"
    model.opset_import.append(helper.make_opsetid("evil", 1))
    onnx.save(model, exported)
    with pytest.raises(InputError, match=r"P?Re[lL]u '.*' is of the domain 'evil'"):
        recover(exported)


def test_a_graph_that_onnx_runtime_has_fused_is_refused_with_what_to_do(exported: Path) -> None:
    model = onnx.load(exported)
    next(node for node in model.graph.node if node.op_type == "Conv").domain = "com.microsoft"
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, exported)
    with pytest.raises(InputError, match=r"the file that it was made from, or save it with ORT_ENABLE_BASIC"):
        recover(exported)


def test_a_graph_that_defines_operators_is_refused(exported: Path) -> None:
    model = onnx.load(exported)
    body = [helper.make_node("Min", ["x", "x"], ["y"])]
    model.functions.append(helper.make_function("evil", "PRelu", ["x"], ["y"], body, model.opset_import))
    onnx.save(model, exported)
    with pytest.raises(InputError, match="defines its own operator PRelu"):
        recover(exported)


SPARSE = helper.make_sparse_tensor(
    helper.make_tensor("values", TensorProto.FLOAT, [1], [0.5]),
    helper.make_tensor("at", TensorProto.INT64, [1], [0]),
    [4],
)
TEXT = numpy_helper.from_array(np.array(["0.5"], object), "text")


@pytest.mark.parametrize("held", [{"sparse_value": SPARSE}, {"value_string": "0.5"}, {"value": TEXT}])
def test_constants_are_dense_numbers(exported: Path, held: dict[str, Any]) -> None:
    model = onnx.load(exported)
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["held"], name="odd", **held))
    conv.input[2] = "held"
    with pytest.raises(InputError, match=r"network\.onnx: Constant 'odd' holds no dense real numbers"):
        require_standard(model, exported)


def test_weights_are_real_numbers(exported: Path) -> None:
    model = onnx.load(exported)
    model.graph.initializer.append(TEXT)
    with pytest.raises(InputError, match=r"network\.onnx: weight 'text' holds no real numbers"):
        require_standard(model, exported)


def test_weights_that_a_cast_rounds_are_not_taken_unrounded(exported: Path) -> None:
    model = onnx.load(exported)
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    half, whole = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
    model.graph.node.insert(0, helper.make_node("Cast", ["rounded"], ["back"], to=whole))
    model.graph.node.insert(0, helper.make_node("Cast", [conv.input[1]], ["rounded"], to=half))
    conv.input[1] = "back"
    onnx.save(model, exported)
    with pytest.raises(InputError):
        recover(exported)
