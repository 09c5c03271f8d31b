"""`batchproof deploy triton` as its users meet it: a process, its streams, its files and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from batchproof.artifacts.manifest import Manifest
from batchproof.verdict import Status, Verdict
from tests.build.container import fake_trtexec
from tests.cli import bundles
from tests.cli.bundles import assert_one_line
from tests.deploy.deepstream.stores import ALL_MODELS, MODELS, PRECISION, with_record, without_record, write
from tests.deploy.deepstream.stores import store as any_store

RELEASE = "triton-26.06"
SUBJECT = f"emb.{PRECISION}"


def store(root: Path, models: object = MODELS) -> Manifest:
    return any_store(root, models, release=RELEASE)  # type: ignore[arg-type]


def deploy(*arguments: str | Path, target: str = "26.06") -> subprocess.CompletedProcess[str]:
    return bundles.deploy("triton", target, *arguments)


def test_a_store_becomes_a_bundle_whose_own_script_builds_engines_into_the_repository(tmp_path: Path) -> None:
    store(tmp_path / "store", ALL_MODELS)
    bundle = tmp_path / "bundle"
    done = deploy(tmp_path / "store", "-o", bundle, "--precision", PRECISION)
    assert done.returncode == 0, done.stderr
    assert f"proven  deploy.proof: {SUBJECT}" in done.stdout
    assert build(bundle, tmp_path) == 0
    plans = [bundle / "model_repository" / f"{name}.{PRECISION}" / "1" / "model.plan" for name in ALL_MODELS]
    assert all(plan.stat().st_size for plan in plans)
    again = deploy(tmp_path / "store", "-o", bundle, "--precision", PRECISION, "--frames", "2")
    assert again.returncode == 0, again.stderr
    engines = [bundle / "engines" / f"{name}.{PRECISION}" / "1" / "model.plan" for name in ALL_MODELS]
    assert all(engine.is_file() for engine in engines)  # built once
    assert not any(plan.exists() for plan in plans)
    assert build(bundle, tmp_path) == 0
    assert [plan.read_bytes() for plan in plans] == [engine.read_bytes() for engine in engines]


def build(bundle: Path, folder: Path) -> int:
    """Run its `run.sh build` as inside the container of the target: with tritonserver, and with its trtexec."""
    program = fake_trtexec.install(folder / "bin", "11.1.0.1")
    server = folder / "bin" / "tritonserver"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    environment = {**os.environ, "TRTEXEC": str(program), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(["sh", bundle / "run.sh", "build"], env=environment, timeout=60, check=False).returncode


@pytest.mark.parametrize("backend", ["tensorrt", "onnxruntime", "python"])
def test_json_is_one_document(tmp_path: Path, backend: str) -> None:
    store(tmp_path / "store")
    bundle = tmp_path / "bundle"
    done = deploy(tmp_path / "store", "-o", bundle, "--precision", PRECISION, "--backend", backend, "--json")
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode == 0
    assert document["output"] == str(bundle)
    assert document["files"] == sum(path.is_file() for path in bundle.rglob("*"))
    assert [verdict["status"] for verdict in document["verdicts"]] == ["proven", "pass"] * 2


def test_precision_is_half_for_engines_and_full_for_the_processor(tmp_path: Path) -> None:
    store(tmp_path / "store")
    assert_one_line(deploy(tmp_path / "store", "-o", tmp_path / "a"), "has no fp16 engines for triton-26.06")
    assert deploy(tmp_path / "store", "-o", tmp_path / "b", "--backend", "python").returncode == 0
    assert (tmp_path / "b" / "model_repository" / f"emb.{PRECISION}" / "1" / "model.onnx").is_file()


def test_what_nobody_has_probed_is_deployed_only_when_asked_for(tmp_path: Path) -> None:
    root, bundle = tmp_path / "store", tmp_path / "bundle"
    write(root, without_record(store(root), "probe", SUBJECT))
    done = deploy(root, "-o", bundle, "--backend", "python")
    assert (done.returncode, bundle.exists()) == (3, False)
    assert done.stdout.startswith("not_run deploy.probe:")
    asked = deploy(root, "-o", bundle, "--backend", "python", "--unproven")
    assert (asked.returncode, bundle.exists()) == (0, True)
    assert json.loads((bundle / "manifest.json").read_text())["on_faces"][0]["verdicts"]["deploy.probe"] == "not_run"


def test_what_failed_is_never_deployed(tmp_path: Path) -> None:
    root = tmp_path / "store"
    refuted = Verdict("proof", SUBJECT, Status.REFUTED, "it mixes frames")
    write(root, with_record(store(root), "proof", SUBJECT, refuted))
    done = deploy(root, "-o", tmp_path / "bundle", "--backend", "python", "--unproven")
    assert_one_line(done, f"{SUBJECT} failed proof: it mixes frames", code=1)
    assert not (tmp_path / "bundle").exists()


def test_no_store_no_target_and_no_choice_are_one_line(tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    assert_one_line(deploy(tmp_path / "nothing", "-o", out), "cannot be read")
    root = tmp_path / "store"
    store(root, {**MODELS, "emb2": MODELS["emb"]})
    assert_one_line(deploy(root, "-o", out, target="24.01"), "target 'triton-24.01' is not known")
    assert_one_line(deploy(root, "-o", out, target="deepstream-8.0"), "deepstream-8.0 is no Triton. Choose triton-25")
    assert_one_line(deploy(root, "-o", out, "--backend", "python"), "Name one with --embedder")
    assert not out.exists()


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    store(tmp_path / "store")
    thesis = tmp_path / "out" / "thesis.tex"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    done = deploy(tmp_path / "store", "-o", tmp_path / "out", "--backend", "python")
    assert_one_line(done, "is there, and is no bundle of ours")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_a_graph_that_was_changed_after_the_run_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store(root)
    graph = root / "surgery" / f"{SUBJECT}.onnx"
    graph.write_bytes(graph.read_bytes() + b"\x52\x00")  # another producer's name: the same network
    done = deploy(root, "-o", tmp_path / "bundle", "--backend", "python")
    assert_one_line(done, "is not the file that the manifest names")
    graph.write_bytes(b"truncated")
    assert_one_line(deploy(root, "-o", tmp_path / "bundle", "--backend", "python"), "not an ONNX file")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("option", ["--frames", "--instances"])
def test_numbers_below_one_are_refused(tmp_path: Path, option: str) -> None:
    done = deploy(tmp_path, "-o", tmp_path / "out", option, "0")
    assert done.returncode == 2
    assert option in done.stderr


def test_help_says_where_the_store_comes_from_and_what_comes_next() -> None:
    shown = " ".join(deploy("--help").stdout.split())
    assert "batchproof run --target triton-26.07 &&" in shown
    assert "sh run.sh build" in shown
    assert "sh run.sh serve" in shown
    assert "exit code 3" in shown
