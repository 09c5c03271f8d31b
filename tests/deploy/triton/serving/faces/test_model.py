from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchproof.deploy.triton.serving.sources import served_sources
from batchproof.runtime import OnnxRuntimeRunner
from tests.deploy.triton.serving.tiny_pipeline import PIPELINE
from tests.deploy.triton.serving.triton_stand_in import Request, Triton, TritonError, TritonModelException
from tests.pipeline.tiny_scrfd import picture

WANTED = ("num_faces", "boxes", "embeddings")


def config(**parameters: str) -> dict[str, str]:
    given = {name: {"string_value": text} for name, text in parameters.items()}
    return {"model_config": json.dumps({"name": "faces", "parameters": given})}


def lay(folder: Path) -> Path:
    for name, text in served_sources().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "pipeline.json").write_text(json.dumps({"format": 1, **asdict(PIPELINE)}), encoding="utf-8")
    return folder / "model.py"


@pytest.fixture
def triton(runners: dict[str, OnnxRuntimeRunner], monkeypatch: pytest.MonkeyPatch) -> Triton:
    found = Triton({model: runner.infer for model, runner in runners.items()})
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", found.module())
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "1")  # set, so that it is put back afterwards
    return found


@pytest.fixture
def model(triton: Triton, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The file of a repository, loaded as Triton loads it; in this process batchproof is there already."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("served_model", lay(tmp_path))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TritonPythonModel()


def frame(*pixels: np.ndarray) -> Request:
    return Request({"frame": np.stack(pixels)}, WANTED)


def test_requests_become_answers_and_share_batches(model: Any, triton: Triton) -> None:
    model.initialize(config(height="64", width="96"))
    first, second = model.execute([frame(picture(64, 96, 1)), frame(picture(64, 96, 2), picture(64, 96, 3))])
    assert ("finder.fp32", 3) in triton.asked
    assert first.arrays()["num_faces"].shape == (1, 1)
    assert second.arrays()["boxes"].shape[0] == 2


def test_its_own_fault_and_the_servers_are_told_apart(model: Any, triton: Triton) -> None:
    model.initialize(config(height="64", width="96"))
    (both,) = model.execute([Request({}, WANTED)])
    assert (both.error.code, both.error.message()[:27]) == (TritonError.INVALID_ARG, "the request has no input. S")
    del triton.models["knower.fp32"]
    (broken,) = model.execute([frame(picture(64, 96, 1))])
    assert broken.error.code == TritonError.INTERNAL
    assert broken.error.message().startswith("model 'knower.fp32': Request for unknown model")


def test_what_is_wrong_with_the_configuration_is_the_reason(model: Any) -> None:
    with pytest.raises(TritonModelException, match=r"^parameter 'max_num' is 'all'\. Give a whole number, 0 or more"):
        model.initialize(config(max_num="all"))


def test_the_configuration_stays_as_it_is_written(model: Any) -> None:
    written = object()
    assert model.auto_complete_config(written) is written


# As the stub does it: the model's folder comes last in sys.path, behind whatever is installed.
_LOAD_LIKE_A_STUB = """
import json, sys
sys.path.append(sys.argv[1])
from tests.deploy.triton.serving.triton_stand_in import Triton
triton = Triton()
sys.modules["triton_python_backend_utils"] = triton.module()
import model
model.TritonPythonModel().initialize({"model_config": json.dumps({"name": "faces"})})
import cv2, os
print(sys.modules["batchproof"].__file__, os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"])
print(*triton.logged)
"""


def test_an_installed_batchproof_does_not_shadow_the_copy(tmp_path: Path) -> None:
    lay(tmp_path)
    command = [sys.executable, "-c", _LOAD_LIKE_A_STUB, str(tmp_path)]
    root = Path(__file__).parents[5]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    own = tmp_path / "batchproof" / "__init__.py"
    assert done.stdout.splitlines()[0] == f"{own} 25000000"
    assert done.stdout.splitlines()[1].endswith(f"of {own}")
