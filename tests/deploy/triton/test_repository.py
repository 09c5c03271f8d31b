from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace

import pytest

from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.plan import Backend
from batchproof.deploy.triton.repository import Sources, package_sources, repository_files
from batchproof.targets import target
from tests.deploy.triton.plans import BACKENDS, RELEASES, plan

HOSTILE = 'x"><y\n    [property]\n# |\x1b[31m`'


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert list(repository_files(plan()).items()) == list(repository_files(plan()).items())
    assert not re.search(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", "".join(repository_files(plan()).values()))


def test_the_manifest_lists_every_other_file_by_its_hash() -> None:
    files = repository_files(plan(files={"engines/det.fp16.onnx": "0" * 64}), Sources({"model.py": "pass\n"}))
    listed = json.loads(files["manifest.json"])["files"]
    assert listed.pop("engines/det.fp16.onnx") == "0" * 64
    assert listed == {
        path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items() if path != "manifest.json"
    }
    assert "model_repository/faces/1/model.py" in listed


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_manifest_says_what_it_is_for_and_where_figures_are_from(release: str, backend: Backend) -> None:
    manifest = json.loads(repository_files(plan(release, backend))["manifest.json"])
    assert (manifest["target"], manifest["backend"]) == (release, backend)
    assert manifest["release"]["container"] == target(release).container
    detector = manifest["detector"]
    assert (detector["max_batch_size"], detector["preferred_batch_size"]["value"]) == (32, [16, 32])
    assert "not measured" in detector["preferred_batch_size"]["origin"]
    assert "default" in detector["max_queue_delay_microseconds"]["origin"]
    assert detector["tensors_from"] == "its spec"
    assert detector["inputs"] == {"input": ["FP32", [3, 640, 640]]}
    assert detector["constants"]["origin"] == "declared by the test"
    assert ("the engines" in manifest["never_run"]) == (backend == "tensorrt")
    assert ("Triton's ONNX Runtime backend" in manifest["never_run"]) == (backend == "onnxruntime")
    assert "megapixels" in manifest["shared_memory"]["origin"]


def test_what_a_manifest_of_the_store_says_of_a_model_forges_nothing() -> None:
    made = plan()
    model = replace(made.embedder.model, licence=HOSTILE, source=HOSTILE, reason=HOSTILE)
    files = repository_files(plan(embedder=replace(made.embedder, model=model)))
    assert {path for path, text in files.items() if "<y" in text} == {"README.md", "manifest.json"}
    assert json.loads(files["manifest.json"])["on_faces"][0]["licence"] == HOSTILE
    (line,) = [line for line in files["README.md"].splitlines() if "<y" in line]
    assert line.startswith("    emb: ")
    assert line.isprintable()


def test_sources_are_those_of_the_package() -> None:
    files = repository_files(plan(backend="python"), package_sources())
    folder = "model_repository/faces/1"
    assert "class TritonPythonModel" in files[f"{folder}/model.py"]
    assert f"{folder}/batchproof/pipeline/face_pipeline.py" in files
    for one in plan().networks:
        assert "class TritonPythonModel" in files[f"model_repository/{one.model.stem}/1/model.py"]
    engines = repository_files(plan(), package_sources())
    assert [path for path in engines if path.endswith("/1/model.py")] == [f"{folder}/model.py"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_readme_has_three_commands_and_every_model_and_says_what_was_never_run(backend: Backend) -> None:
    made = plan(backend=backend)
    page = repository_files(made)["README.md"]
    commands = re.findall(r"^    (sh run\.sh.*?) *#", page, re.MULTILINE)
    assert [command.strip() for command in commands] == ["sh run.sh build", "sh run.sh serve", "sh run.sh check"]
    assert "## Never run" in page
    assert made.target.container in page
    for one in made.networks:
        assert f"| `{one.model.stem}` |" in page
    for output in made.outputs:
        assert f"| `{output.name}` |" in page


def test_the_readme_says_what_was_measured() -> None:
    made = plan()

    def measured(one: Network) -> Network:
        return replace(one, batching=replace(one.batching, measured=True, origin="measured: 5 images/s"))

    assert "run `batchproof bench`" in repository_files(made)["README.md"]
    networks = [measured(one) for one in made.networks]
    all_measured = replace(made, detector=networks[0], embedder=networks[1], heads=tuple(networks[2:]))
    page = repository_files(all_measured)["README.md"]
    assert "run `batchproof bench`" not in page
    assert page.count("measured: 5 images/s") == 5


def test_every_model_has_a_version_before_there_is_a_plan() -> None:
    files = repository_files(plan(), package_sources())
    models = {path.split("/")[1] for path in files if path.startswith("model_repository/")}
    assert models == {
        path.split("/")[1] for path in files if path.startswith(tuple(f"model_repository/{one}/1/" for one in models))
    }
