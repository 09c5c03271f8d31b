from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import onnx
import pytest

from batchproof.build.container.emitted import emit_folder, emit_job
from batchproof.build.job import Job, script_files
from batchproof.engine_options import EngineOptions
from batchproof.errors import InputError, StepFailedError
from batchproof.policy import load_policy
from batchproof.profile import EngineProfiles
from batchproof.profile_choice import ProfileChoice
from batchproof.settings import EngineSettings, Settings
from batchproof.targets import target
from batchproof.zoo.spec import Precision
from tests.build import tiny_graphs
from tests.build.container import fake_trtexec

SETTINGS = Settings(ProfileChoice(), None, load_policy())
PROFILES = EngineProfiles.parse("1,4,8@64x96")


def job(graph: Path, precision: Precision = "fp16", name: str = "deepstream-8.0") -> Job:
    return Job(graph, (), target(name), precision, PROFILES, tiny_graphs.SPEC, graph.stem)


def test_the_folder_is_all_that_a_container_needs(tmp_path: Path) -> None:
    graph = tiny_graphs.detector(tmp_path / "a tiny.onnx", dtype="fp16")
    folder = tmp_path / "engines"
    folder.mkdir()
    verdicts = emit_folder(job(graph), folder, SETTINGS)
    assert [verdict.check for verdict in verdicts] == ["build.deepstream-8.0.job", "build.deepstream-8.0.script"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*script_files("a tiny"), "build_engines.sh"])
    program = fake_trtexec.install(tmp_path / "bin", "10.9.0.34")
    ran = subprocess.run(
        ["/bin/sh", "build_engines.sh"], cwd=folder, env={**os.environ, "TRTEXEC": str(program)}, check=False
    )
    assert ran.returncode == 0
    assert (folder / "a tiny.onnx_b8_gpu0_fp16.engine").is_file()


def test_weights_beside_a_graph_come_into_its_copy(tmp_path: Path) -> None:
    graph = tiny_graphs.detector(tmp_path / "tiny.onnx")
    (tmp_path / "out").mkdir()
    whole = onnx.load(graph)
    weights = [tensor.raw_data for tensor in whole.graph.initializer]
    onnx.save(whole, graph, save_as_external_data=True, location="weights.bin", size_threshold=0)
    emit_folder(job(graph, "fp32"), tmp_path / "out", SETTINGS)
    copy = onnx.load(tmp_path / "out" / "tiny.onnx", load_external_data=False)
    assert [tensor.raw_data for tensor in copy.graph.initializer] == weights
    assert not any(tensor.external_data for tensor in copy.graph.initializer)


def test_the_description_is_that_of_a_built_engine_without_what_only_building_tells(tmp_path: Path) -> None:
    graph = tiny_graphs.detector(tmp_path / "tiny.onnx", dtype="fp16")
    (tmp_path / "out").mkdir()
    emit_folder(job(graph), tmp_path / "out", SETTINGS)
    described = json.loads((tmp_path / "out" / "tiny.io.json").read_text())
    image, score = described["tensors"]
    assert (image["name"], image["mode"], image["dtype"], image["dims"]) == ("input", "input", "FLOAT", [-1, 3, -1, -1])
    assert score["shapes"] == [{"minimum": [1, 96, 1], "optimum": [4, 96, 1], "maximum": [8, 96, 1]}]
    assert (described["precision"], described["version"]) == ("fp16", "10.9.0.34")
    assert described["profiles"] == ["1,4,8@64x96"]


def test_what_cannot_be_built_is_refused_before_a_container_is_asked(tmp_path: Path) -> None:
    graph = tiny_graphs.detector(tmp_path / "tiny.onnx", batch=1)
    with pytest.raises(StepFailedError, match="Run surgery first"):
        emit_folder(job(graph, "fp32"), tmp_path, SETTINGS)
    graph = tiny_graphs.detector(tmp_path / "tiny.onnx")
    with pytest.raises(StepFailedError, match="an FP16 engine was asked for"):
        emit_folder(job(graph), tmp_path, SETTINGS)
    policy = load_policy()
    tight = replace(SETTINGS, policy=replace(policy, build=replace(policy.build, activation_bytes=1.0)))
    with pytest.raises(StepFailedError, match="for activations, the limit is"):
        emit_folder(job(graph, "fp32"), tmp_path, tight)
    hardware = replace(SETTINGS, engines=EngineSettings(options=EngineOptions(version_compatible=True)))
    with pytest.raises(InputError, match="does not support --version-compatible"):
        emit_folder(job(graph, "fp32"), tmp_path, hardware)
    with pytest.raises(InputError, match="rtx has no container"):
        emit_folder(job(graph, "fp32", "rtx"), tmp_path, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.onnx"]


def test_a_job_names_its_files_as_the_script_sees_them(tmp_path: Path) -> None:
    graph = tiny_graphs.detector(tmp_path / "tiny.onnx")
    outputs = [tmp_path / f"b8.{name}" for name in script_files("tiny")]
    verdict = emit_job(replace(job(graph, "fp32"), outputs=outputs), SETTINGS, PurePosixPath("b1 b8"))
    assert verdict.reason == "will give b1 b8/b8.tiny.onnx_b8_gpu0_fp32.engine"
    assert "input 'b1 b8/b8.tiny.onnx'" in outputs[1].read_text()
