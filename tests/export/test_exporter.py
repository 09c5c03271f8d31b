from __future__ import annotations

import logging
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from batchproof.artifacts import onnx_file
from batchproof.errors import InputError
from batchproof.export.check import check_against_torch
from batchproof.export.checkpoint import load_state_dict
from batchproof.export.exporter import export_onnx
from batchproof.export.heads import UnitEmbedding
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.options import DEFAULTS, NEWEST_OPSET, OLDEST_OPSET, ExportOptions
from batchproof.export.recognise_weights import recognise_checkpoint
from batchproof.policy import load_policy
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from batchproof.zoo.recognise import recognise

LIMITS = load_policy().export
EXPORTED = ["scrfd_500m", "scrfd_2.5g_bnkps", "mbf", "mobilefacenet_112"]


def random(name: str) -> nn.Module:
    torch.manual_seed(0)
    return CATALOGUE[name].build()


def exported(name: str, folder: Path, options: ExportOptions = DEFAULTS) -> onnx.ModelProto:
    path = folder / "exported.onnx"
    export_onnx(random(name), CATALOGUE[name].spec, path, options=options, metadata={"seed": "0"})
    return onnx_file.read(path)


def dims(value: onnx.ValueInfoProto) -> list[str | int]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def constant(model: onnx.ModelProto, name: str) -> list[float]:
    values: list[float] = numpy_helper.to_array(next(t for t in model.graph.initializer if t.name == name)).tolist()
    return values


@pytest.mark.parametrize("name", EXPORTED)
def test_names_and_dimensions_are_those_of_the_spec(name: str, tmp_path: Path) -> None:
    model, spec = exported(name, tmp_path), CATALOGUE[name].spec
    size = ["H", "W"] if spec.role == "detector" else [112, 112]
    assert [(value.name, dims(value)) for value in model.graph.input] == [("input", ["N", 3, *size])]
    rows = {output: [f"rows_{output.stride}"] if output.stride else [] for output in spec.outputs}
    declared = [(value.name, dims(value)) for value in model.graph.output]
    assert declared == [(output.name, ["N", *rows[output], output.channels]) for output in spec.outputs]
    assert recognise(model).spec == spec


@pytest.mark.parametrize("name", EXPORTED)
def test_the_file_is_self_contained_and_lean(name: str, tmp_path: Path) -> None:
    model = exported(name, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["exported.onnx"]
    assert not model.graph.value_info
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert {entry.key: entry.value for entry in model.metadata_props} == {"seed": "0"}
    assert not {"Identity", "Constant", "Gather", "Concat", "Unsqueeze"} & {node.op_type for node in model.graph.node}
    used = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= used


def test_detector_tails_and_resizes_have_constant_shapes(tmp_path: Path) -> None:
    model = exported("scrfd_2.5g_bnkps", tmp_path)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert (kinds["Reshape"], kinds["Resize"], kinds["Shape"]) == (10, 2, 1)  # one of each is the guard's
    shapes = [constant(model, node.input[1]) for node in model.graph.node[4:] if node.op_type == "Reshape"]
    assert sorted(shapes) == sorted([0, -1, channels] for channels in (1, 4, 10) for _ in range(3))
    scales = [constant(model, node.input[2]) for node in model.graph.node if node.op_type == "Resize"]
    assert scales == [[1, 1, 2, 2]] * 2


@pytest.mark.parametrize("name", EXPORTED)
def test_equal_networks_give_equal_bytes(name: str, tmp_path: Path) -> None:
    spec, paths = CATALOGUE[name].spec, [tmp_path / "a.onnx", tmp_path / "b.onnx", tmp_path / "c.onnx"]
    export_onnx(random(name), spec, paths[0], metadata={"a": "1", "b": "2"})
    export_onnx(random(name).eval(), spec, paths[1], metadata={"b": "2", "a": "1"})
    export_onnx(random(name), spec, paths[2], metadata={"a": "1"})
    contents = [path.read_bytes() for path in paths]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_nothing_reaches_the_console_and_no_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with caplog.at_level(logging.WARNING), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exported("scrfd_500m", tmp_path)
    assert capfd.readouterr() == ("", "")
    assert (caught, caplog.records) == ([], [])
    assert not list(temporary.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no folder" / "model.onnx"
    with pytest.raises(InputError, match=r"model\.onnx: cannot be written \(No such file or directory\)"):
        export_onnx(random("mobilefacenet_112"), CATALOGUE["mobilefacenet_112"].spec, path, metadata={})


@pytest.mark.parametrize("opset", range(OLDEST_OPSET, NEWEST_OPSET + 1))
@pytest.mark.parametrize("name", ["scrfd_500m", "mobilefacenet_112"])
def test_every_opset_is_right(name: str, opset: int, tmp_path: Path) -> None:
    model = exported(name, tmp_path, ExportOptions(opset=opset))
    assert [each.version for each in model.opset_import] == [opset]
    assert prove(model).status is Status.PROVEN
    assert check_against_torch(random(name), CATALOGUE[name].spec, tmp_path / "exported.onnx", name, LIMITS)


@pytest.mark.parametrize(("name", "opset"), [("scrfd_500m", 21), ("mobilefacenet_112", 17)])
def test_the_dynamo_exporter_is_right_too(name: str, opset: int, tmp_path: Path) -> None:
    model, spec = exported(name, tmp_path, ExportOptions("dynamo", opset)), CATALOGUE[name].spec
    guard = "input_height_and_width_must_be_multiples_of_32"
    assert (guard in {node.name for node in model.graph.node}) == spec.input.dynamic_size
    assert prove(model).status is Status.PROVEN
    assert recognise(model).spec == spec
    assert check_against_torch(random(name), spec, tmp_path / "exported.onnx", name, LIMITS)


def test_the_dynamo_exporter_repeats_itself(tmp_path: Path) -> None:
    first, second = (exported("mobilefacenet_112", tmp_path, ExportOptions("dynamo", 18)) for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)


def test_an_opset_that_dynamo_cannot_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dynamo exporter writes opset 18 where 13 was asked for"):
        exported("mobilefacenet_112", tmp_path, ExportOptions("dynamo", 13))
    assert not list(tmp_path.iterdir())


def test_embeddings_of_length_one(tmp_path: Path) -> None:
    network, spec = UnitEmbedding(random("mobilefacenet_112")), CATALOGUE["mobilefacenet_112"].spec
    path = tmp_path / "unit.onnx"
    export_onnx(network, spec, path, metadata={})
    assert prove(onnx_file.read(path)).status is Status.PROVEN
    assert check_against_torch(network, spec, path, "unit", LIMITS)
    faces = np.random.default_rng(0).uniform(-1, 1, (3, 3, 112, 112)).astype(np.float32)
    embeddings = OnnxRuntimeRunner(path).infer(faces)["embedding"]
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 3, 32])
def test_a_real_checkpoint_gives_what_its_original_gives(test_data: Path, tmp_path: Path, batch: int) -> None:
    weights = load_state_dict(test_data / "models" / "mobilefacenet_112.pt")
    found = recognise_checkpoint(weights)
    path = tmp_path / "exported.onnx"
    export_onnx(CATALOGUE[found.architecture].filled(weights), found.spec, path, metadata={})
    faces = np.random.default_rng(batch).uniform(-1, 1, (batch, 3, 112, 112)).astype(np.float32)
    embeddings = OnnxRuntimeRunner(path).infer(faces)["embedding"]
    original = OnnxRuntimeRunner(test_data / "models" / "mobilefacenet_112_batch1.onnx")
    single = np.concatenate([original.infer(face[None])["output"] for face in faces])
    assert embeddings.shape == (batch, 128)
    np.testing.assert_allclose(embeddings, single, rtol=0, atol=1e-5)
    assert batch == 1 or np.abs(single[0] - single[1]).max() > 1e-2
