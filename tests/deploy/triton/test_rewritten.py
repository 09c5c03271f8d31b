"""What becomes of a bundle that is written again: engines stay, copies of them do not outlive what they are of."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.artifacts.hashing import content_sha256
from batchproof.deploy.triton.manifest import KIND
from batchproof.deploy.triton.repository import repository_files
from batchproof.deploy.write import write_bundle
from batchproof.errors import InputError
from tests.deploy.triton.plans import plan
from tests.pipeline.tiny_scrfd import tiny_scrfd


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(KIND, tmp_path / "bundle", repository_files(plan()), {})
    return tmp_path / "bundle"


def put(bundle: Path, name: str) -> Path:
    path = bundle / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
    return path


def test_engines_are_kept_and_their_copies_are_not(bundle: Path) -> None:
    engine = put(bundle, "engines/det.fp16/1/model.plan")
    copies = [put(bundle, f"model_repository/det.fp16/1/model.plan{suffix}") for suffix in ("", ".partial")]
    write_bundle(KIND, bundle, repository_files(plan(heads=())), {})
    assert engine.read_text() == "engines/det.fp16/1/model.plan"
    assert not [copy for copy in copies if copy.exists()]
    assert not (bundle / "model_repository" / "2d106det.fp16").exists()


@pytest.mark.parametrize(
    "name",
    [
        "model_repository/mine/config.pbtxt",
        "model_repository/det.fp16/1/model.onnx",
        "model_repository/faces/config.pbtxt",
        "model_repository/det.fp16/2/model.plan",
        "notes.txt",
    ],
)
def test_what_somebody_put_into_it_is_never_replaced(bundle: Path, name: str) -> None:
    path = put(bundle, name)
    with pytest.raises(InputError, match="which somebody has changed or put there"):
        write_bundle(KIND, bundle, repository_files(plan()), {})
    assert path.read_text() == name


def test_a_graph_that_somebody_damaged_is_his(bundle: Path, tmp_path: Path) -> None:
    graph = tiny_scrfd(tmp_path / "det.onnx")
    copies = {"engines/det.onnx": (graph, content_sha256(graph))}
    made = plan(files={path: sha256 for path, (_, sha256) in copies.items()})
    write_bundle(KIND, bundle, repository_files(made), copies)
    put(bundle, "engines/det.onnx")
    with pytest.raises(InputError, match=r"holds engines/det\.onnx, which somebody has changed"):
        write_bundle(KIND, bundle, repository_files(made), copies)


def test_a_bundle_of_another_kind_is_none_of_ours(tmp_path: Path) -> None:
    other = tmp_path / "deepstream"
    put(other, "manifest.json").write_text('{"kind": "batchproof deepstream bundle", "files": {}}')
    with pytest.raises(InputError, match="is no bundle of ours"):
        write_bundle(KIND, other, repository_files(plan()), {})
