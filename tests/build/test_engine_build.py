"""What is asked for is checked before the builder is looked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.build.engine_build import build_engine
from batchproof.build.job import Job
from batchproof.errors import InputError, StepFailedError, StepNotRunError
from batchproof.policy import load_policy
from batchproof.profile import EngineProfiles
from batchproof.profile_choice import ProfileChoice
from batchproof.settings import Settings
from batchproof.targets import target
from batchproof.zoo.spec import Precision
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC

SIZE = (64, 96)
SETTINGS = Settings(ProfileChoice.parse(["1,4,8"], SIZE), None, load_policy())


def job(folder: Path, name: str, profiles: str = "1,4,8", precision: Precision = "fp32") -> Job:
    graph = tiny_graphs.detector(folder / "tiny.onnx", dtype=precision)
    files = (folder / "tiny.engine", folder / "tiny.engine.json")
    return Job(
        graph,
        files,
        target(name),
        precision,
        EngineProfiles.parse(profiles, height=SIZE[0], width=SIZE[1]),
        SPEC,
        "tiny",
    )


def test_what_only_a_container_builds_is_not_run_here(tmp_path: Path) -> None:
    with pytest.raises(StepNotRunError, match="loads engines of TensorRT 10"):
        build_engine(job(tmp_path, "deepstream-8.0"), "tensorrt", SETTINGS)


def test_profiles_that_no_container_takes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="executes profile 0 alone"):
        build_engine(job(tmp_path, "deepstream-8.0", "1+1,4,8"), "tensorrt", SETTINGS)


def test_a_precision_that_no_container_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fp16"):
        build_engine(job(tmp_path, "deepstream-7.0", precision="fp16"), "tensorrt", SETTINGS)


def test_what_needs_too_much_memory_is_refused_though_it_would_be_built_elsewhere(tmp_path: Path) -> None:
    policy = replace(SETTINGS.policy, build=replace(SETTINGS.policy.build, activation_bytes=1.0))
    with pytest.raises(StepFailedError, match="GB for activations"):
        build_engine(job(tmp_path, "deepstream-8.0"), "tensorrt", replace(SETTINGS, policy=policy))
    assert not (tmp_path / "tiny.engine").exists()


def test_a_builder_that_is_not_installed_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(StepNotRunError, match=r"tensorrt is not installed\. Its wheels come from"):
        build_engine(job(tmp_path, "local"), "tensorrt", SETTINGS)
