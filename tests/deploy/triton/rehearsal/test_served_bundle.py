from __future__ import annotations

import json
from pathlib import Path

import pytest

from batchproof.deploy.triton.plan import Backend
from batchproof.deploy.triton.rehearsal.served_bundle import read_bundle
from batchproof.deploy.triton.repository import repository_files
from batchproof.errors import InputError, StoreError
from tests.deploy.triton.plans import BACKENDS, plan


def written(root: Path, backend: Backend = "python") -> Path:
    for name, text in repository_files(plan(backend=backend)).items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_bundle_says_how_it_is_rehearsed(tmp_path: Path, backend: Backend) -> None:
    bundle = read_bundle(written(tmp_path, backend))
    assert (bundle.target, bundle.backend) == ("triton-26.07", backend)
    assert [network.name for network in bundle.networks] == ["det", "emb", "2d106det", "1k3d68", "genderage"]
    assert bundle.options.stand_ins == (backend != "python")
    assert bundle.options.config_name == ("rehearsal" if backend == "tensorrt" else None)


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no bundle"):
        read_bundle(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"kind": "batchproof deepstream bundle"}))
    with pytest.raises(InputError, match="is a batchproof deepstream bundle, not a batchproof triton bundle"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "batchproof triton bundle"}', "[" * 100_000])
def test_a_damaged_manifest_is_told(tmp_path: Path, text: str) -> None:
    root = written(tmp_path)
    (root / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match="its manifest is damaged"):
        read_bundle(root)


def test_a_damaged_pipeline_is_told(tmp_path: Path) -> None:
    root = written(tmp_path)
    (root / "model_repository/faces/1/pipeline.json").write_text("{")
    with pytest.raises(InputError, match=r"pipeline\.json: cannot be read"):
        read_bundle(root)


def test_what_was_changed_is_listed(tmp_path: Path) -> None:
    bundle = read_bundle(written(tmp_path))
    before = bundle.changed_files()
    assert all(name.endswith(".onnx") for name in before), "a plan alone has no networks"
    (tmp_path / "run.sh").write_text("exit 0\n")
    (tmp_path / "model_repository/faces/config.pbtxt").unlink()
    assert set(bundle.changed_files()) - set(before) == {"run.sh", "model_repository/faces/config.pbtxt"}
