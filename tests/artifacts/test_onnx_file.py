from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from batchproof.artifacts import onnx_file
from batchproof.artifacts.hashing import content_sha256
from batchproof.errors import InputError


def tiny(weight: np.ndarray) -> onnx.ModelProto:
    """Y = X * weight, one vector."""
    vector = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", weight.size]) for name in ("x", "y")]
    scale = helper.make_node("Mul", ["x", "w"], ["y"])
    graph = helper.make_graph([scale], "tiny", vector[:1], vector[1:], [numpy_helper.from_array(weight, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    onnx.save(tiny(np.arange(600, dtype=np.float32)), tmp_path / "tiny.onnx")
    return tmp_path / "tiny.onnx"


@pytest.fixture
def external(tmp_path: Path) -> Path:
    model = tiny(np.arange(600, dtype=np.float32))
    onnx.save(model, tmp_path / "e.onnx", save_as_external_data=True, location="e.data", size_threshold=0)
    return tmp_path / "e.onnx"


def test_a_good_file_is_read_with_its_weights(path: Path, external: Path) -> None:
    for file in (path, external):
        weight = numpy_helper.to_array(onnx_file.read(file).graph.initializer[0])
        assert weight[599] == 599


@pytest.mark.parametrize("keep", [0, 1, 40, 1500])
def test_a_truncated_file_is_refused(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"tiny\.onnx"):
        onnx_file.read(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04 a zip", b"not a model at all", b"\x00" * 100])
def test_a_foreign_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not an ONNX file|holds no ONNX graph"):
        onnx_file.read(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for file in (tmp_path / "no.onnx", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            onnx_file.read(file)


def test_missing_external_data_is_refused(external: Path) -> None:
    (external.parent / "e.data").unlink()
    with pytest.raises(InputError, match=r"'e\.data' is missing"):
        onnx_file.read(external)


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../secret"])
def test_external_data_outside_the_folder_is_refused(external: Path, location: str) -> None:
    (external.parent.parent / "secret").write_bytes(bytes(2400))
    model = onnx.load(external, load_external_data=False)
    next(entry for entry in model.graph.initializer[0].external_data if entry.key == "location").value = location
    external.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="outside its folder"):
        onnx_file.read(external)
    with pytest.raises(InputError, match="outside its folder"):
        content_sha256(external)


def test_a_symbolic_link_out_of_the_folder_is_refused(external: Path) -> None:
    data = external.parent / "e.data"
    data.unlink()
    data.symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="outside its folder"):
        onnx_file.read(external)


def test_external_data_is_part_of_the_hash(external: Path) -> None:
    before = content_sha256(external)
    data = external.parent / "e.data"
    content = bytearray(data.read_bytes())
    content[100] ^= 1
    data.write_bytes(content)
    assert content_sha256(external) != before


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_named(value: float) -> None:
    assert onnx_file.non_finite_weights(tiny(np.array([1, value], np.float32))) == ["w"]
    assert onnx_file.non_finite_weights(tiny(np.array([1, 2], np.float32))) == []


def _with_external_weight(folder: Path, bytes_of_weight: int) -> Path:
    """A file that has a length and no content stands for the weight: it takes no space on the disk."""
    weight = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[3, bytes_of_weight // 12])
    shape = onnx.TensorProto(name="shape", data_type=onnx.TensorProto.INT64, dims=[2])
    for tensor, file in ((weight, "weights.bin"), (shape, "shapes.bin")):
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=file)
    with (folder / "weights.bin").open("wb") as stream:
        stream.truncate(bytes_of_weight)
    (folder / "shapes.bin").write_bytes(np.array([0, -1], np.int64).tobytes())
    nodes = [
        helper.make_node("Reshape", ["input", "shape"], ["rows"]),
        helper.make_node("MatMul", ["rows", "w"], ["out"]),
    ]
    image = helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["N", 3, 1, 1])
    result = helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, ["N", bytes_of_weight // 12])
    graph = helper.make_graph(nodes, "huge", [image], [result], [weight, shape])
    path = folder / "huge.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    return path


def test_a_graph_of_three_gigabytes_is_read_with_its_shapes_and_without_its_weights(tmp_path: Path) -> None:
    path = _with_external_weight(tmp_path, 3 * 2**30)
    model = onnx_file.read_graph(path)
    weight, shape = model.graph.initializer
    assert onnx.external_data_helper.uses_external_data(weight)
    assert onnx.numpy_helper.to_array(shape).tolist() == [0, -1]
    assert onnx_file.non_finite_weights(model) == []
    with pytest.raises(InputError, match="more than 2 GB of weights"):
        onnx_file.read(path)


def test_both_ways_of_reading_give_the_same_small_model(tmp_path: Path) -> None:
    path = _with_external_weight(tmp_path, 1200)
    assert onnx_file.read_graph(path) == onnx_file.read(path)
