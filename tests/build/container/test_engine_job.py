from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.build.container.engine_job import EngineJob, usage_lines, write_job
from batchproof.engine_options import EngineOptions
from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.targets import target
from batchproof.zoo import families

JOB = EngineJob(
    onnx="det.onnx",
    sha256="0" * 64,
    input_name="input",
    profiles=EngineProfiles.parse("1,16,32"),
    spec=families.arcface(),
    precision="fp32",
    options=EngineOptions(),
    engine="det.engine",
)


def refused(job: EngineJob, name: str, folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        write_job(folder / "det.job", target(name), job)
    assert not list(folder.iterdir())
    return caught.value.line()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"options": EngineOptions(version_compatible=True)}, "deepstream-8.0 does not support --version-compatible"),
        ({"profiles": EngineProfiles.parse("1+1,16,32")}, "executes profile 0 alone"),
        ({"input_name": "a,b"}, "trtexec takes no shape for an input that is called 'a,b'"),
        ({"input_name": ""}, "trtexec takes no shape"),
        ({"onnx": "/etc/det.onnx"}, "/etc/det.onnx: is no path below the script's folder"),
        ({"onnx": "../det.onnx"}, "../det.onnx: is no path below"),
        ({"engine": ""}, "is no path below"),
        ({"engine": "."}, ".: is no path below"),
        ({"engine": "//det.engine"}, "is no path below"),
        ({"engine": "a\nb.engine"}, "has a control character in its name"),
        ({"onnx": "a\x7f.onnx"}, "has a control character in its name"),
        ({"profiles": EngineProfiles.parse("8,16,32")}, "takes no fewer than 8 images. Let it begin with 1."),
    ],
)
def test_what_cannot_be_built_is_not_written(tmp_path: Path, changed: dict[str, object], sentence: str) -> None:
    assert sentence in refused(replace(JOB, **changed), "deepstream-8.0", tmp_path)  # type: ignore[arg-type]


def test_old_releases_build_no_half_precision(tmp_path: Path) -> None:
    assert "deepstream-7.0 builds no fp16 engines" in refused(
        replace(JOB, precision="fp16"), "deepstream-7.0", tmp_path
    )


def test_a_target_without_container_has_no_jobs(tmp_path: Path) -> None:
    assert "local has no container to build in" in refused(JOB, "local", tmp_path)


def test_a_fixed_size_is_what_nvinfer_gets_whatever_the_profile_says() -> None:
    assert usage_lines(JOB, target("deepstream-9.0"))[3:] == ["batch-size=32", "network-mode=0", "infer-dims=3;112;112"]
