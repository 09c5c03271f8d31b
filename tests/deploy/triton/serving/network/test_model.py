from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchproof.deploy.triton.serving.sources import network_source
from tests.deploy.triton.serving.triton_stand_in import Request, Triton, TritonModelException
from tests.validate.tiny_embedder import tiny_embedder

WANTED = ("embedding",)


def config(output: str = "embedding", **parameters: str) -> str:
    given = {name: {"string_value": text} for name, text in parameters.items()}
    return json.dumps({"input": [{"name": "input"}], "output": [{"name": output}], "parameters": given})


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_embedder(tmp_path_factory.mktemp("network") / "model.onnx")


@pytest.fixture
def folder(network: Path, tmp_path: Path) -> Path:
    (tmp_path / "1").mkdir()
    shutil.copy(network, tmp_path / "1" / "model.onnx")
    (tmp_path / "1" / "model.py").write_text(network_source(), encoding="utf-8")
    return tmp_path


@pytest.fixture
def model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", Triton().module())
    spec = importlib.util.spec_from_file_location("network_model", folder / "1" / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TritonPythonModel()


def arguments(folder: Path, written: str) -> dict[str, str]:
    return {"model_config": written, "model_repository": str(folder), "model_version": "1"}


def images(count: int, seed: int = 0, side: int = 112) -> Request:
    pixels = np.random.default_rng(seed).standard_normal((count, 3, side, side)).astype(np.float32)
    return Request({"input": pixels}, WANTED)


def test_requests_run_together_and_get_their_own_rows(model: Any, folder: Path) -> None:
    model.initialize(arguments(folder, config(threads="1")))
    runs: list[int] = []
    session = model._session

    class Counting:
        def run(self, names: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
            runs.append(len(feed["input"]))
            found: list[np.ndarray] = session.run(names, feed)
            return found

    model._session = Counting()
    requests = [images(2, 1), images(1, 2), images(3, 3)]
    together = model.execute(requests)
    assert runs == [6]
    for request, found in zip(requests, together, strict=True):
        (alone,) = model.execute([request])
        np.testing.assert_allclose(found.arrays()["embedding"], alone.arrays()["embedding"], rtol=0, atol=1e-5)


def test_one_that_cannot_run_does_not_stop_the_others(model: Any, folder: Path) -> None:
    model.initialize(arguments(folder, config()))
    first, bad, last = model.execute([images(1), images(1, side=100), images(2)])
    assert bad.error.message().startswith("ONNX Runtime cannot run this batch (")
    assert "\n" not in bad.error.message()
    assert (len(first.arrays()["embedding"]), len(last.arrays()["embedding"])) == (1, 2)


def test_one_alone_that_cannot_run_is_told_so(model: Any, folder: Path) -> None:
    model.initialize(arguments(folder, config()))
    (bad,) = model.execute([images(1, side=100)])
    assert bad.error.message().startswith("ONNX Runtime cannot run this batch (")


def test_other_names_than_the_networks_are_refused(model: Any, folder: Path) -> None:
    expected = r"model\.onnx: outputs are called embedding, config\.pbtxt says features\. Deploy the repository"
    with pytest.raises(TritonModelException, match=expected):
        model.initialize(arguments(folder, config("features")))


@pytest.mark.parametrize("threads", ["-1", "two", ""])
def test_threads_are_a_number(model: Any, folder: Path, threads: str) -> None:
    with pytest.raises(TritonModelException, match=f"parameter 'threads' is '{threads}'"):
        model.initialize(arguments(folder, config(threads=threads)))


def test_a_network_that_is_not_there_is_named(model: Any, folder: Path) -> None:
    (folder / "1" / "model.onnx").unlink()
    with pytest.raises(TritonModelException, match=r"1/model\.onnx: ONNX Runtime cannot load this network"):
        model.initialize(arguments(folder, config()))


def test_the_configuration_stays_as_it_is_written(model: Any) -> None:
    written = object()
    assert model.auto_complete_config(written) is written
