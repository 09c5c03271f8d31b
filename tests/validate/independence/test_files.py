"""Models by how they are written down: local functions, sparse and external constants, more than protobuf can hold."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from batchproof.validate.independence import Proof, prove
from batchproof.validate.independence.constants import constant_tensor
from batchproof.validate.independence.polynomial import Poly
from batchproof.verdict import Status
from tests.validate.independence.execution import violation
from tests.validate.independence.small_graphs import model, node, weights

FRAME = (4, 6, 8)
_MEGABYTE = 2**20


def _with_functions(nodes: list[onnx.NodeProto], *functions: onnx.FunctionProto) -> onnx.ModelProto:
    result = model(nodes, {"w": weights(5, 4, 3, 3)}, batch="N")
    result.functions.extend(functions)
    result.opset_import.append(helper.make_opsetid("local", 1))
    return result


def _function(name: str, inputs: str, nodes: list[onnx.NodeProto], attributes: str = "") -> onnx.FunctionProto:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return helper.make_function("local", name, inputs.split(), ["y"], nodes, opsets, attributes.split())


def _softmax() -> onnx.NodeProto:
    """Its axis is the function's attribute."""
    along = node("Softmax", "t", "y")
    along.attribute.add(name="axis", ref_attr_name="along", type=onnx.AttributeProto.INT)
    return along


ACTIVATED = _function("Activated", "x weight", [node("Conv", "x weight", "c"), node("Relu", "c", "y")])
NORMED = _function("Normed", "x", [node("Identity", "x", "t"), _softmax()], "along")
NESTED = _function(
    "Nested", "x weight",
    [node("Activated", "x weight", "a", domain="local"), node("Normed", "a", "y", domain="local", along=1)],
)  # fmt: skip


def test_functions_within_functions_are_followed() -> None:
    safe = _with_functions([node("Nested", "image w", domain="local")], ACTIVATED, NORMED, NESTED)
    assert prove(safe).status is Status.PROVEN
    assert violation(safe, FRAME) is None


def test_the_culprit_within_a_function_is_named() -> None:
    mixing = _with_functions([node("Normed", "image", domain="local", along=0)], NORMED)
    proof = prove(mixing)
    assert (proof.status, proof.kind, proof.op) == (Status.REFUTED, "content", "Softmax"), proof
    assert violation(mixing, FRAME) is not None


def test_a_function_that_is_missing_is_unknown() -> None:
    proof = prove(_with_functions([node("Absent", "image w", domain="local")], ACTIVATED))
    assert proof.status is Status.UNKNOWN
    assert "Absent" in proof.reason


def test_a_function_of_another_opset_is_not_read_by_the_rules_of_this_one() -> None:
    swapped = [node("Transpose", "x", "a", perm=[1, 0, 2, 3]), node("Softmax", "a", "b", axis=0)]
    older = _function("Normed", "x", [*swapped, node("Transpose", "b", "y", perm=[1, 0, 2, 3])])
    call = [node("Normed", "image", domain="local")]
    assert prove(_with_functions(call, older)).status is Status.PROVEN
    older.opset_import[0].version = 11  # where Softmax took all axes from `axis` on, the batch among them
    assert prove(_with_functions(call, older)).status is not Status.PROVEN


@pytest.mark.parametrize(
    ("values", "followed"),
    [
        (np.ones(4, np.float32), True),
        (np.ones(64, np.float32), False),
        (np.ones(64, np.int64), True),
        (np.ones(4, np.float16), False),
    ],
)
def test_only_what_may_be_a_shape_is_read(values: np.ndarray, followed: bool) -> None:
    read = constant_tensor(onnx.numpy_helper.from_array(values, "c"))
    assert (read.value is not None) is followed
    assert read.shape == (Poly.of(len(values)),)


def _sparse(nodes: list[onnx.NodeProto], name: str, dense: np.ndarray) -> onnx.ModelProto:
    result = model(nodes, batch="N")
    places = np.flatnonzero(dense)
    values = onnx.numpy_helper.from_array(dense.reshape(-1)[places], name)
    indices = onnx.numpy_helper.from_array(places.astype(np.int64), f"{name}_indices")
    result.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, dense.shape))
    return result


def test_a_sparse_weight_is_a_weight() -> None:
    dense = np.eye(8, 3, dtype=np.float32)
    safe = _sparse([node("MatMul", "image w")], "w", dense)
    assert prove(safe).status is Status.PROVEN
    assert violation(safe, FRAME) is None
    mixing = _sparse([node("Transpose", "image", "x", perm=[1, 2, 3, 0]), node("MatMul", "x w")], "w", dense)
    assert prove(mixing).status is Status.REFUTED


def test_a_sparse_shape_is_not_followed() -> None:
    assert prove(_sparse([node("Reshape", "image t")], "t", np.array([0, 192]))).status is Status.UNKNOWN


def _external(folder: Path, size_threshold: int) -> Path:
    constants = {"w": weights(5, 4, 3, 3), "t": [0, -1, 5]}
    safe = model([node("Conv", "image w", "x"), node("Reshape", "x t")], constants, batch="N")
    path = folder / "external.onnx"
    onnx.save(safe, path, save_as_external_data=True, location="weights.bin", size_threshold=size_threshold)
    return path


def test_external_weights_are_not_needed(tmp_path: Path) -> None:
    path = _external(tmp_path, size_threshold=100)
    unread = onnx.load(path, load_external_data=False)
    (tmp_path / "weights.bin").unlink()
    assert prove(unread).status is Status.PROVEN


def test_external_shapes_are_unknown_until_they_are_loaded(tmp_path: Path) -> None:
    path = _external(tmp_path, size_threshold=0)
    assert prove(onnx.load(path, load_external_data=False)).status is Status.UNKNOWN
    assert prove(onnx.load(path)).status is Status.PROVEN


def _huge(folder: Path, *, mixing: bool) -> Path:
    """3 GiB of weights in a file that has a length and no content, so that it takes no space on the disk."""
    names, rows, columns = ("w0", "w1", "w2"), 192, 2**30 // 192 // 4
    layers = [node("Gemm", f"x {name}", f"y_{name}") for name in names]
    joined = node("Concat", "y_w0 y_w1 y_w2", axis=0 if mixing else 1)
    result = model([node("Flatten", "image", "x"), *layers, joined], batch="N")
    for index, name in enumerate(names):
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[rows, columns])
        tensor.data_location = TensorProto.EXTERNAL
        length = rows * columns * 4
        for key, value in (("location", "weights.bin"), ("offset", index * length), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        result.graph.initializer.append(tensor)
    with (folder / "weights.bin").open("wb") as file:
        file.truncate(len(names) * rows * columns * 4)
    onnx.save(result, folder / "huge.onnx")
    return folder / "huge.onnx"


@pytest.mark.parametrize(("mixing", "status"), [(False, Status.PROVEN), (True, Status.REFUTED)])
def test_three_gigabytes_of_weights_are_never_read(tmp_path: Path, mixing: bool, status: Status) -> None:
    path = _huge(tmp_path, mixing=mixing)
    file = (tmp_path / "weights.bin").stat()
    assert file.st_size > 2**31
    proof, took, peak = _measured(path)
    print(f"{file.st_size / 2**30:.2f} GiB: {took * 1000:.1f} ms, peak {peak / _MEGABYTE:.2f} MiB")
    assert proof.status is status, proof
    assert took < 2
    assert peak < 16 * _MEGABYTE


def _measured(path: Path) -> tuple[Proof, float, int]:
    """Whoever reads a weight does it through Python's or numpy's memory, which tracemalloc sees."""
    tracemalloc.start()
    try:
        started = time.perf_counter()
        proof = prove(onnx.load(path, load_external_data=False))
        return proof, time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
