"""Repositories of real networks, made batch-safe here: what is written is what their files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from batchproof.artifacts import layout
from batchproof.artifacts.manifest import Manifest
from batchproof.deploy.triton.from_store import Wishes, plan_from_store
from batchproof.deploy.triton.plan import Backend
from batchproof.deploy.triton.repository import repository_files
from batchproof.surgery.repair import repair
from batchproof.targets import target
from batchproof.zoo.recognise import recognise
from tests.deploy.deepstream.stores import PRECISION, store
from tests.deploy.triton.plans import BACKENDS, read_config, type_name
from tests.surgery.real_models import read

RELEASE = "triton-26.06"
DETECTORS = ("det_2.5g", "det_500m")
EMBEDDER = "mobilefacenet_112_batch1"


@pytest.fixture(scope="module")
def real(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A store of the published networks, repaired, with jobs for a release."""
    root = tmp_path_factory.mktemp("real")
    (root / "surgery").mkdir()
    specs = {}
    for name in (*DETECTORS, EMBEDDER):
        model = read(test_data, name)
        found = recognise(model)
        specs[name] = found.spec
        onnx.save(repair(model, found).model, root / layout.repaired(name, PRECISION))
    return root, store(root, specs, release=RELEASE, profile="1,4,8@640x640")


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_dims_names_and_types_are_those_of_the_onnx(
    real: tuple[Path, Manifest], detector: str, backend: Backend
) -> None:
    root, manifest = real
    planned = plan_from_store(root, manifest, target(RELEASE), Wishes(PRECISION, backend, detector))
    files = repository_files(planned.plan)
    for name in (detector, EMBEDDER):
        graph = onnx.load(root / layout.repaired(name, PRECISION)).graph
        told = read_config(files[f"model_repository/{name}.{PRECISION}/config.pbtxt"])
        for tensor, value in zip((*told.input, *told.output), (*graph.input, *graph.output), strict=True):
            assert_same(tensor, value)
        if backend != "tensorrt":  # outputs of graphs must be told exactly, with -1 for what is free
            sizes = [[size.dim_value or -1 for size in value.type.tensor_type.shape.dim[1:]] for value in graph.output]
            assert [list(tensor.dims) for tensor in told.output] == sizes
        assert told.max_batch_size == 8
    (channels,) = [dim.dim_value for dim in graph.output[0].type.tensor_type.shape.dim[1:]]
    outputs = read_config(files["model_repository/faces/config.pbtxt"]).output
    faces = {tensor.name: list(tensor.dims) for tensor in outputs}
    assert faces["embeddings"] == faces["normed_embeddings"] == [-1, channels]


def assert_same(told: Any, real: onnx.ValueInfoProto) -> None:
    """Hold a tensor of a configuration against the graph's, whose free sizes are 0 and whose batch is one of them."""
    batch, *sizes = [dim.dim_value for dim in real.type.tensor_type.shape.dim]
    assert told.name == real.name
    assert (type_name(told.data_type), real.type.tensor_type.elem_type) == ("TYPE_FP32", onnx.TensorProto.FLOAT)
    assert batch == 0
    assert len(sizes) == len(told.dims)
    assert all(size in (0, said) for size, said in zip(sizes, told.dims, strict=True))
