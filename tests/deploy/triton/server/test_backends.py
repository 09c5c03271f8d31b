from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.deploy.triton.server.backends import lay_backends
from batchproof.deploy.triton.server.installation import Installation
from batchproof.deploy.triton.serving.sources import network_source


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    found = Installation(tmp_path / "wheel", tmp_path / "libs", tmp_path / "lib")
    for file in found.python_backend:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(file.name)
        file.chmod(0o755)
    return found


def test_the_stub_lies_beside_the_backend_and_can_be_run(installed: Installation, tmp_path: Path) -> None:
    lay_backends(tmp_path / "backends", installed, stand_ins=False)
    laid = {path.relative_to(tmp_path / "backends").as_posix(): path for path in (tmp_path / "backends").rglob("*.*")}
    assert set(laid) == {"python/libtriton_python.so", "python/triton_python_backend_utils.py"}
    stub = tmp_path / "backends" / "python" / "triton_python_backend_stub"
    assert stub.stat().st_mode & 0o100


def test_stand_ins_lie_under_the_names_that_they_stand_for(installed: Installation, tmp_path: Path) -> None:
    lay_backends(tmp_path / "backends", installed, stand_ins=True)
    for name in ("tensorrt", "onnxruntime"):
        assert "stand-in" in (tmp_path / "backends" / name / "model.py").read_text()
        assert (tmp_path / "backends" / name / "onnx_network.py").read_text() == network_source()
