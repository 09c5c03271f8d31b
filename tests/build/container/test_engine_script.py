from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.build.container import engine_script
from batchproof.build.container.engine_job import EngineJob, write_job
from batchproof.engine_options import EngineOptions
from batchproof.errors import InputError, StoreError
from batchproof.profile import EngineProfiles
from batchproof.targets import Target, all_targets, target
from batchproof.targets.target import SCRIPT_NAME
from batchproof.zoo import families
from batchproof.zoo.spec import Precision
from tests.build.container import fake_trtexec

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]
SHELLCHECK = Path(sys.executable).with_name("shellcheck")
CONTAINERS = [target for target in all_targets() if target.container]
pytestmark = pytest.mark.skipif(not SHELLS or sys.platform != "linux", reason="the containers are Linux")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def job(folder: Path, name: str = "det", *, content: bytes = b"a graph", **changed: object) -> EngineJob:
    """One engine of an ONNX file that is really there."""
    onnx = folder / f"{name}.onnx"
    onnx.parent.mkdir(parents=True, exist_ok=True)
    onnx.write_bytes(content)
    whole = EngineJob(
        onnx=f"{name}.onnx",
        sha256=sha256(content),
        input_name="input",
        profiles=EngineProfiles.parse("1,16,32"),
        spec=families.arcface(),
        precision="fp32",
        options=EngineOptions(),
        engine=f"{name}.engine",
    )
    return replace(whole, **changed)  # type: ignore[arg-type]


def write_script(folder: Path, known: Target, jobs: Sequence[EngineJob]) -> Path:
    """Write a script, and its jobs in their order."""
    for index, one in enumerate(jobs):
        write_job(folder / f"{index}.job", known, one)
    engine_script.write_script(folder / SCRIPT_NAME, known)
    return folder / SCRIPT_NAME


def run(
    script: Path, version: str, shell: str = SHELLS[0] if SHELLS else "sh", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as the container would, with the trtexec of a version."""
    programs = fake_trtexec.install(script.parent / "bin", version).parent
    command = [shell, "sh", script.name] if shell == "busybox" else [shell, script.name]
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=script.parent,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def calls(script: Path) -> list[str]:
    """Every argument that trtexec got."""
    record = script.parent / "bin" / "calls"
    return record.read_text().splitlines() if record.exists() else []


@pytest.mark.parametrize("shell", SHELLS)
def test_builds_and_then_finds_it_up_to_date(tmp_path: Path, shell: str) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path)])
    first, second = run(script, "10.9.0.34", shell), run(script, "10.9.0.34", shell)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[-1] == "1 built, 0 up to date, 0 failed"
    assert second.stdout.splitlines()[0] == "det.engine: up to date"
    assert second.stdout.splitlines()[-1] == "0 built, 1 up to date, 0 failed"
    assert (tmp_path / "det.engine").read_text() == "engine of a graph"
    assert not list(tmp_path.glob("*.partial"))


def all_options(known: Target) -> EngineOptions:
    """Everything that a target supports at once."""
    every = EngineOptions(True, 3, 512, "exact", True, True)
    default = EngineOptions()
    values = {name: getattr(every if name in known.options else default, name) for name in vars(default)}
    return EngineOptions(**{**values, "hardware": known.hardware[-1] if known.hardware else "exact"})


@pytest.mark.parametrize("known", CONTAINERS, ids=lambda known: known.name)
def test_every_flag_is_one_that_the_target_s_trtexec_has(tmp_path: Path, known: Target) -> None:
    profiles = EngineProfiles.parse("1,16,32" if known.profiles == 1 else "1+1,16,32+4,4,4")
    jobs = [
        job(tmp_path, "plain", profiles=profiles),
        job(tmp_path, "all", profiles=profiles, precision=known.precisions[-1], options=all_options(known)),
    ]
    ran = run(write_script(tmp_path, known, jobs), known.tensorrt)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("2 built, 0 up to date, 0 failed\n")


def flags(tmp_path: Path, name: str, **changed: object) -> list[str]:
    script = write_script(tmp_path, target(name), [job(tmp_path, **changed)])  # type: ignore[arg-type]
    assert run(script, target(name).tensorrt).returncode == 0
    return calls(script)


def test_the_flags_of_tensorrt_10(tmp_path: Path) -> None:
    assert flags(tmp_path, "deepstream-8.0", options=EngineOptions(workspace_mib=512)) == [
        "--onnx=det.onnx",
        "--minShapes=input:1x3x112x112",
        "--optShapes=input:16x3x112x112",
        "--maxShapes=input:32x3x112x112",
        "--stronglyTyped",
        "--skipInference",
        "--profilingVerbosity=detailed",
        "--noTF32",
        "--memPoolSize=workspace:512",
        "--saveEngine=det.engine.partial",
        "--exportLayerInfo=det.engine.layers.json.partial",
    ]


def test_the_flags_of_tensorrt_11_and_of_several_profiles(tmp_path: Path) -> None:
    options = EngineOptions(
        True, 5, hardware="same-capability", version_compatible=True, distributive_independence=True
    )
    profiles = EngineProfiles.parse("1+1,16,32@320x320,640x640,960x960")
    spec = families.scrfd()
    assert flags(tmp_path, "triton-26.07", options=options, profiles=profiles, spec=spec)[1:-2] == [
        "--profile=0",
        "--minShapes=input:1x3x640x640",
        "--optShapes=input:1x3x640x640",
        "--maxShapes=input:1x3x640x640",
        "--profile=1",
        "--minShapes=input:1x3x320x320",
        "--optShapes=input:16x3x640x640",
        "--maxShapes=input:32x3x960x960",
        "--skipInference",
        "--profilingVerbosity=detailed",
        "--builderOptimizationLevel=5",
        "--hardwareCompatibilityLevel=sameComputeCapability",
        "--versionCompatible",
        "--distributiveIndependence",
    ]


def test_the_oldest_release_has_other_words(tmp_path: Path) -> None:
    assert flags(tmp_path, "deepstream-6.3")[4:-2] == ["--buildOnly", "--profilingVerbosity=detailed", "--noTF32"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "name", ["a b", "$(touch pwned)", "it's", '"; touch pwned; "', "-v", "`touch pwned`", "ümlaut", "\udcff"]
)
def test_hostile_names(tmp_path: Path, shell: str, name: str) -> None:
    hostile = job(
        tmp_path, name, engine=f"{name}/1/model.plan", input_name=f"{name.replace(chr(39), '')}:0".replace("\udcff", "")
    )
    ran = run(write_script(tmp_path, target("triton-26.07"), [hostile]), "11.1", shell)
    assert ran.returncode == 0
    assert (tmp_path / name / "1" / "model.plan").read_text() == "engine of a graph"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "det.engine").write_text("torn"),
        lambda folder: (folder / "det.engine").unlink(),
        lambda folder: (folder / "det.engine.build").unlink(),
        lambda folder: write_script(folder, target("deepstream-8.0"), [job(folder, content=b"another graph")]),
        lambda folder: write_script(folder, target("deepstream-8.0"), [job(folder, options=EngineOptions(tf32=True))]),
        lambda folder: (folder / "bin" / "nvidia-smi").write_text("#!/bin/sh\necho 'NVIDIA L4, 570.1'\n"),
    ],
    ids=["torn engine", "no engine", "no record", "another graph", "another flag", "another GPU"],
)
def test_whatever_decides_an_engine_has_it_built_again(tmp_path: Path, change: Callable[[Path], object]) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path)])
    gpu = tmp_path / "bin" / "nvidia-smi"
    gpu.parent.mkdir()
    gpu.write_text("#!/bin/sh\necho 'NVIDIA T4, 570.1'\n")
    gpu.chmod(0o755)
    run(script, "10.9.0.34")
    assert "1 up to date" in run(script, "10.9.0.34").stdout
    change(tmp_path)
    assert "1 built" in run(script, "10.9.0.34").stdout
    assert (tmp_path / "det.engine").read_bytes() == b"engine of " + (tmp_path / "det.onnx").read_bytes()


def test_another_build_of_tensorrt_builds_again(tmp_path: Path) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path)])
    run(script, "10.9.0.34")
    other = fake_trtexec.install(tmp_path / "other", "10.9.0.34")
    other.write_text(other.read_text().replace("[b34]", "[b35]"))
    assert "1 built" in run(script, "10.9.0.34", TRTEXEC=str(other)).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_goes_on_after_failures_and_reports_all_of_them(tmp_path: Path, shell: str) -> None:
    jobs = [
        job(tmp_path, "one", content=b"unsupported"),
        job(tmp_path, "two"),
        job(tmp_path, "three", sha256="0" * 64),
        job(tmp_path, "four"),
    ]
    (tmp_path / "four.onnx").unlink()
    ran = run(write_script(tmp_path, target("deepstream-8.0"), jobs), "10.9.0.34", shell)
    assert ran.returncode == 1
    assert ran.stdout.splitlines()[-1] == "1 built, 0 up to date, 3 failed"
    report = ran.stderr[ran.stderr.index("Not built:") :].splitlines()[1:]
    assert [line.strip().split(":")[0] for line in report] == ["one.engine", "three.engine", "four.engine"]
    assert "In node 3 with name: /head/TopK" in report[0]
    assert "one.engine.log" in report[0]
    assert "three.onnx is not the file that this script was written for" in report[1]
    assert "four.onnx is missing" in report[2]
    assert sorted(path.name for path in tmp_path.glob("*.engine")) == ["two.engine"]


def test_a_failed_build_leaves_no_half_file(tmp_path: Path) -> None:
    jobs = [job(tmp_path, "one", content=b"disk full"), job(tmp_path, "two", content=b"silent")]
    ran = run(write_script(tmp_path, target("deepstream-8.0"), jobs), "10.9.0.34")
    assert ran.stdout.endswith("0 built, 0 up to date, 2 failed\n")
    assert "one.engine: [11/21/2026-03:43:36] [E] Saving engine to file failed." in ran.stderr
    assert "two.engine: &&&& RUNNING TensorRT.trtexec" in ran.stderr
    assert not list(tmp_path.glob("*.partial")) + list(tmp_path.glob("*.engine"))


def test_it_works_in_its_own_folder_wherever_it_is_called_from(tmp_path: Path) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path)])
    program = str(fake_trtexec.install(tmp_path / "bin", "10.9.0.34"))
    ran = subprocess.run(["/bin/sh", str(script)], cwd="/", env={**os.environ, "TRTEXEC": program}, check=False)
    assert ran.returncode == 0
    assert (tmp_path / "det.engine").exists()


def start(script: Path, slow: str) -> subprocess.Popen[bytes]:
    """Begin a build that takes its time, in a process group of its own, and return when it is writing."""
    programs = fake_trtexec.install(script.parent / "bin", "10.9.0.34").parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "SLOW": slow}
    process = subprocess.Popen(
        [SHELLS[0], script.name],
        cwd=script.parent,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (script.parent / "writing").exists():
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_killed_while_it_writes_it_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path, "one"), job(tmp_path, "two")])
    process = start(script, slow="60")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (tmp_path / "one.engine.partial").read_text() == "half"
    assert not list(tmp_path.glob("*.engine"))
    again = run(script, "10.9.0.34")
    assert again.stdout.endswith("2 built, 0 up to date, 0 failed\n")
    assert (tmp_path / "one.engine").read_text() == "engine of a graph"
    assert not list(tmp_path.glob("*.partial"))


def test_interrupted_it_cleans_up(tmp_path: Path) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path)])
    process = start(script, slow="60")
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait() == 143
    assert not list(tmp_path.glob("det.engine*partial"))


def test_of_two_at_once_the_second_waits_for_a_person(tmp_path: Path) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path)])
    process = start(script, slow="1")
    second = run(script, "10.9.0.34")
    assert second.returncode == 2
    assert "is at work in" in second.stderr
    assert process.wait() == 0
    assert (tmp_path / "det.engine").read_text() == "engine of a graph"


@pytest.mark.parametrize(
    ("line", "found"), [("11.1.0.5", "11.1.0"), ("10.14.1.48", "10.14.1"), ("8.5.3.1", "8.5.3"), ("10.9.1.5", "10.9.1")]
)
def test_another_tensorrt_is_refused_before_anything_is_tried(tmp_path: Path, line: str, found: str) -> None:
    ran = run(write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path)]), line)
    assert ran.returncode == 2
    assert (
        f"this is TensorRT {found}, and DeepStream 8.0 loads engines of TensorRT 10.9.0.34. Run: docker" in ran.stderr
    )
    assert "nvcr.io/nvidia/deepstream:8.0-triton-multiarch sh build_engines.sh" in ran.stderr
    assert not calls(tmp_path / "build_engines.sh")


def test_without_trtexec_the_container_is_named(tmp_path: Path) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path)])
    ran = subprocess.run(["/bin/sh", str(script)], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert (
        ran.stderr
        == f"no trtexec here. Run this in the container of DeepStream 8.0: {target('deepstream-8.0').command}\n"
    )


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("#!/bin/sh\necho 'libnvinfer.so.10: cannot open'\nexit 127\n", "libnvinfer.so.10: cannot open"),
        (None, "is no program"),
    ],
)
def test_a_trtexec_that_does_not_run(tmp_path: Path, program: str | None, sentence: str) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path)])
    named = tmp_path / "own"
    if program is not None:
        named.write_text(program)
        named.chmod(0o755)
    ran = run(script, "10.9.0.34", TRTEXEC=str(named))
    assert ran.returncode == 2
    assert sentence in ran.stderr


def test_a_timing_cache_is_passed_on_and_decides_nothing(tmp_path: Path) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path)])
    run(script, "10.9.0.34", TIMING_CACHE="a cache")
    assert "--timingCacheFile=a cache" in calls(script)
    assert "1 up to date" in run(script, "10.9.0.34").stdout


def test_a_target_without_container_has_no_script(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="local has no container to build in"):
        write_script(tmp_path, target("local"), [])
    assert not list(tmp_path.iterdir())


def test_without_jobs_nothing_is_tried(tmp_path: Path) -> None:
    ran = run(write_script(tmp_path, target("deepstream-8.0"), []), "10.9.0.34")
    assert (ran.returncode, ran.stderr) == (2, "there is no .job file beside build_engines.sh or one folder below\n")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        write_script(tmp_path / "none", target("deepstream-8.0"), [job(tmp_path)])


def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    script = write_script(tmp_path, target("deepstream-8.0"), [job(tmp_path), job(tmp_path, "it's")])
    checked = subprocess.run([SHELLCHECK, str(script)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("name", ["triton-26.07", "deepstream-9.1"])
def test_of_a_line_every_patch_is_its_release(tmp_path: Path, name: str) -> None:
    line = target(name).tensorrt
    assert run(write_script(tmp_path, target(name), [job(tmp_path)]), f"{line}.7").returncode == 0


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("content", "precision", "sentence"),
    [
        (b"a graph", "fp16", ""),
        (b"older", "fp16", ""),
        (b"single", "fp32", ""),
        (b"single", "fp16", "no layer of this one gives half precision: convert the ONNX to FP16 types"),
        (b"nameless", "fp16", "whether it is in half precision cannot be told"),
        (b"unwritten", "fp16", "whether it is in half precision cannot be told"),
    ],
)
def test_an_engine_that_is_silently_in_full_precision(
    tmp_path: Path, shell: str, content: bytes, precision: Precision, sentence: str
) -> None:
    one = job(tmp_path, content=content, precision=precision)
    ran = run(write_script(tmp_path, target("deepstream-8.0"), [one]), "10.9.0.34", shell)
    refused = "FAILED" in ran.stderr
    assert sentence in ran.stderr
    assert bool(ran.stderr) == bool(sentence)
    assert refused == (content == b"single" and precision == "fp16")
    assert (ran.returncode, (tmp_path / "det.engine").exists()) == ((1, False) if refused else (0, True))
    assert (tmp_path / "det.engine.layers.json").exists() == (not refused and content != b"unwritten")
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("shell", SHELLS)
def test_one_script_does_the_jobs_of_all_folders(tmp_path: Path, shell: str) -> None:
    known = target("deepstream-8.0")
    for folder in ("b1-4-8", "it's b1+b8"):
        one = job(tmp_path, f"{folder}/det", engine=f"{folder}/det.engine")
        write_job(tmp_path / folder / "det.job", known, one)
    ran = run(write_script(tmp_path, known, [job(tmp_path)]), "10.9.0.34", shell)
    assert ran.stdout.endswith("3 built, 0 up to date, 0 failed\n")
    assert (tmp_path / "it's b1+b8" / "det.engine").exists()


def test_it_says_what_the_configuration_of_nvinfer_needs(tmp_path: Path) -> None:
    profiles = EngineProfiles.parse("1,16,32@320x320,640x960,960x960")
    one = job(tmp_path, "a 'b'", precision="fp16", profiles=profiles, spec=families.scrfd())
    bad = job(tmp_path, "bad", content=b"unsupported")
    script = write_script(tmp_path, target("deepstream-8.0"), [one, bad])
    for printed in (run(script, "10.9.0.34").stdout, run(script, "10.9.0.34").stdout):
        said = printed[printed.index("For the configuration of DeepStream 8.0:") :].splitlines()
        assert said[1:8] == [
            "a 'b'.engine:",
            "    [property]",
            "    onnx-file=a 'b'.onnx",
            "    model-engine-file=a 'b'.engine",
            "    batch-size=32",
            "    network-mode=2",
            "    infer-dims=3;640;960",
        ]
        assert [line.removeprefix("- ") for line in said if line.startswith("- ")] == [*target("deepstream-8.0").notes]
        assert "bad.engine" not in printed[printed.index("For the") :]


def test_it_says_what_the_configuration_of_triton_needs(tmp_path: Path) -> None:
    one = job(tmp_path, engine="det/1/model.plan", profiles=EngineProfiles.parse("1+1,8"))
    printed = run(write_script(tmp_path, target("triton-26.07"), [one]), "11.1").stdout
    for line in (
        "# config.pbtxt of det",
        'platform: "tensorrt_plan"',
        "max_batch_size: 8",
        'instance_group [{ kind: KIND_GPU profile: ["0", "1"] }]',
    ):
        assert f"    {line}\n" in printed
