from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.deploy.deepstream import bundle
from batchproof.deploy.deepstream.bundle import bundle_files, library_sources
from batchproof.targets import target
from tests.deploy.deepstream.plans import RELEASES, model, plan, read_ini
from tests.deploy.machine import Machine

HOSTILE = 'x"><y\n    [property]\n# |\x1b[31m`'


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert list(bundle_files(plan()).items()) == list(bundle_files(plan()).items())
    assert not re.search(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", "".join(bundle_files(plan()).values()))


def test_the_manifest_lists_every_other_file_by_its_hash() -> None:
    made = plan(files={"engines/det.fp16.onnx": "0" * 64})
    files = bundle_files(made, {"Makefile": "all:\n"})
    listed = json.loads(files["manifest.json"])["files"]
    assert listed.pop("engines/det.fp16.onnx") == "0" * 64
    assert listed == {
        path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items() if path != "manifest.json"
    }
    assert "Makefile" in listed


@pytest.mark.parametrize(
    ("release", "length"), [("deepstream-6.3", 24), ("deepstream-8.0", 24), ("deepstream-9.0", 28)]
)
def test_the_manifest_says_what_it_is_for(release: str, length: int) -> None:
    manifest = json.loads(bundle_files(plan(release))["manifest.json"])
    known = target(release)
    assert manifest["target"] == release
    assert manifest["release"]["object_detection_info_bytes"] == length
    assert manifest["release"]["tensorrt"] == known.tensorrt
    assert manifest["release"]["container"] == known.container
    assert manifest["detector"]["inputs"]["input"]["maximum"] == [32, 3, 640, 640]
    assert manifest["detector"]["constants"] == {
        "mean": 127.5,
        "std": 128.0,
        "colour": "RGB",
        "origin": "declared by the test",
    }
    assert manifest["detector"]["onnx_sha256"] == "unknown"
    assert [entry["crop"] for entry in manifest["on_faces"]] == ["arcface5", "bbox1.5", "bbox1.5", "bbox1.5"]


def test_what_a_manifest_of_the_store_says_of_a_model_forges_nothing() -> None:
    hostile = replace(plan().embedder, licence=HOSTILE, source=HOSTILE, reason=HOSTILE)
    files = bundle_files(plan(embedder=hostile))
    assert {path for path, text in files.items() if "<y" in text} == {"README.md", "manifest.json"}
    assert json.loads(files["manifest.json"])["on_faces"][0]["licence"] == HOSTILE
    (line,) = [line for line in files["README.md"].splitlines() if "<y" in line]
    assert line.startswith("    emb: ")
    assert line.isprintable()


@pytest.mark.parametrize("release", RELEASES)
def test_the_image_is_the_pinned_one_of_the_target(release: str) -> None:
    made = plan(release)
    files = bundle_files(made)
    version = release.removeprefix("deepstream-")
    assert f"\nFROM {made.target.container}\n" in files["Dockerfile"]
    for path in ("Dockerfile", "run.sh"):
        assert f"make NVDS_VERSION={version} MAX_FACES=64" in files[path]
    assert made.target.container in files["README.md"]
    for note in made.target.notes:
        assert note in files["README.md"]


def test_the_readme_has_three_commands_and_says_what_was_never_run() -> None:
    page = bundle_files(plan())["README.md"]
    commands = re.findall(r"^    (sh run\.sh.*?) *#", page, re.MULTILINE)
    assert [command.strip() for command in commands] == ["sh run.sh build", "sh run.sh check", "sh run.sh"]
    assert "## Never run" in page
    for model_ in plan().models:
        assert f"| `{model_.stem}` |" in page


def test_the_sources_are_those_of_the_package() -> None:
    sources = library_sources()
    assert "include/batchproof/landmark_mask.h" in sources
    assert set(sources) <= set(bundle_files(plan(), sources))


def test_what_somebody_built_among_the_sources_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "lib.so").write_bytes(b"\x7fELF\xff")
    (tmp_path / "Makefile").write_text("all:\n")
    monkeypatch.setattr(bundle, "_SOURCES", tmp_path)
    assert library_sources() == {"Makefile": "all:\n"}


def test_where_deepstream_is_installed_it_is_used(tmp_path: Path) -> None:
    machine = Machine(tmp_path, bundle_files(plan()), "deepstream-app", "make", "docker")
    machine.engines(f'echo engines >>"{machine.calls}"\n')
    assert machine.run("build") == (0, ["make NVDS_VERSION=8.0 MAX_FACES=64", "engines"])
    assert machine.run("check")[1][-1] == "make NVDS_VERSION=8.0 MAX_FACES=64 check"
    assert machine.run()[1][-1] == "deepstream-app -c configs/app.txt"
    code, calls = machine.run("bogus")
    assert (code, len(calls)) == (2, 4)


def test_where_it_is_not_the_container_does_the_same(tmp_path: Path) -> None:
    machine = Machine(tmp_path, bundle_files(plan()), "docker")
    code, (call,) = machine.run("build")
    assert code == 0
    assert call.startswith("docker run --rm --gpus all ")
    assert call.endswith(f" -w /bundle {plan().target.container} sh run.sh build")


def test_engines_are_put_where_triton_looks_for_them(tmp_path: Path) -> None:
    machine = Machine(tmp_path, bundle_files(plan()), "deepstream-app")
    (machine.bundle / "engines").mkdir()
    for model_ in plan().models:
        (machine.bundle / "engines" / plan().engine(model_)).write_text(model_.name)
    assert machine.run("triton")[0] == 0
    for model_ in plan().models:
        put = machine.bundle / "triton" / "model_repository" / model_.stem / "1" / "model.plan"
        assert put.read_text() == model_.name


def test_the_script_is_clean(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text(bundle_files(plan())["run.sh"])
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, "-s", "sh", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_plan_with_other_numbers_changes_every_file_that_depends_on_them() -> None:
    files = bundle_files(plan(faces=9, streams=2, detector=model("det", plan().detector.spec, "1,2,2")))
    assert "MAX_FACES=9" in files["run.sh"]
    app = read_ini(files["configs/app.txt"])
    assert [group for group in app if group.startswith("source")] == ["source0", "source1"]
    assert (app["streammux"]["batch-size"], app["tiled-display"]["rows"]) == ("2", "1")
    assert "maxTargetsPerStream: 18" in files["configs/tracker.yml"]
    assert "At most 9 faces a frame" in files["README.md"]
