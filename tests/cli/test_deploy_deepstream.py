"""`batchproof deploy deepstream` as its users meet it: a process, its streams, its files and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from batchproof.verdict import Status, Verdict
from tests.build.container import fake_trtexec
from tests.cli import bundles
from tests.cli.bundles import assert_one_line
from tests.deploy.deepstream.stores import (
    ALL_MODELS,
    MODELS,
    PRECISION,
    RELEASE,
    store,
    with_record,
    without_record,
    write,
)

SUBJECT = f"emb.{PRECISION}"


def deploy(*arguments: str | Path, target: str = RELEASE) -> subprocess.CompletedProcess[str]:
    return bundles.deploy("deepstream", target, *arguments)


def test_a_store_becomes_a_bundle_whose_engines_its_own_script_builds(tmp_path: Path) -> None:
    store(tmp_path / "store", ALL_MODELS)
    bundle = tmp_path / "bundle"
    done = deploy(tmp_path / "store", "-o", bundle, "--precision", PRECISION)
    assert done.returncode == 0, done.stderr
    assert f"proven  deploy.proof: {SUBJECT}" in done.stdout
    program = fake_trtexec.install(tmp_path / "bin", "10.9.0.34")
    environment = {**os.environ, "TRTEXEC": str(program)}
    script = bundle / "engines" / "build_engines.sh"
    built = subprocess.run(["sh", script], env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    manifest = json.loads((bundle / "manifest.json").read_text())
    for model in (manifest["detector"], *manifest["on_faces"]):
        assert (bundle / "engines" / model["engine"]).is_file()
        assert model["verdicts"] == {"deploy.proof": "proven", "deploy.probe": "pass"}
    again = deploy(tmp_path / "store", "-o", bundle, "--precision", PRECISION, "--streams", "2")
    assert again.returncode == 0, again.stderr
    assert all((bundle / "engines" / model["engine"]).is_file() for model in manifest["on_faces"])  # built once


def test_json_is_one_document(tmp_path: Path) -> None:
    store(tmp_path / "store")
    done = deploy(tmp_path / "store", "-o", tmp_path / "bundle", "--precision", PRECISION, "--json")
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode == 0
    assert document["output"] == str(tmp_path / "bundle")
    assert document["files"] == sum(path.is_file() for path in (tmp_path / "bundle").rglob("*"))
    assert [verdict["status"] for verdict in document["verdicts"]] == ["proven", "pass"] * 2


def test_what_nobody_has_probed_is_deployed_only_when_asked_for(tmp_path: Path) -> None:
    root, bundle = tmp_path / "store", tmp_path / "bundle"
    write(root, without_record(store(root), "probe", SUBJECT))
    done = deploy(root, "-o", bundle, "--precision", PRECISION)
    assert (done.returncode, bundle.exists()) == (3, False)
    assert done.stdout.startswith("not_run deploy.probe:")
    asked = deploy(root, "-o", bundle, "--precision", PRECISION, "--unproven")
    assert (asked.returncode, bundle.exists()) == (0, True)
    assert json.loads((bundle / "manifest.json").read_text())["on_faces"][0]["verdicts"]["deploy.probe"] == "not_run"


def test_what_failed_is_never_deployed(tmp_path: Path) -> None:
    root = tmp_path / "store"
    refuted = Verdict("proof", SUBJECT, Status.REFUTED, "it mixes frames")
    write(root, with_record(store(root), "proof", SUBJECT, refuted))
    done = deploy(root, "-o", tmp_path / "bundle", "--precision", PRECISION, "--unproven")
    assert_one_line(done, f"{SUBJECT} failed proof: it mixes frames", code=1)
    assert not (tmp_path / "bundle").exists()


def test_no_store_no_target_and_no_choice_are_one_line(tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    assert_one_line(deploy(tmp_path / "nothing", "-o", out), "cannot be read")
    root = tmp_path / "store"
    store(root, {**MODELS, "emb2": MODELS["emb"]})
    assert_one_line(deploy(root, "-o", out, target="deepstream-9.1"), "--target deepstream-9.1")
    assert_one_line(deploy(root, "-o", out, target="deepstream-5.0"), "target 'deepstream-5.0' is not known")
    assert_one_line(deploy(root, "-o", out, target="rtx"), "rtx is no DeepStream")
    assert_one_line(deploy(root, "-o", out, "--precision", PRECISION), "Name one with --embedder")
    assert not out.exists()


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    store(tmp_path / "store")
    thesis = tmp_path / "out" / "thesis.tex"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    done = deploy(tmp_path / "store", "-o", tmp_path / "out", "--precision", PRECISION)
    assert_one_line(done, "is there, and is no bundle of ours")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_a_graph_that_was_changed_after_the_run_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store(root)
    job = root / "build" / RELEASE / f"{SUBJECT}.job"
    job.write_text(f"{job.read_text()}touch /tmp/hacked\n")
    done = deploy(root, "-o", tmp_path / "bundle", "--precision", PRECISION)
    assert_one_line(done, "is not the file that the manifest names")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("option", ["--streams", "--faces"])
def test_numbers_below_one_are_refused(tmp_path: Path, option: str) -> None:
    done = deploy(tmp_path, "-o", tmp_path / "out", option, "0")
    assert done.returncode == 2
    assert option in done.stderr


def test_help_says_where_the_store_comes_from_and_what_comes_next(tmp_path: Path) -> None:
    shown = " ".join(deploy("--help").stdout.split())
    assert "batchproof run --target deepstream-8.0 &&" in shown
    assert "sh run.sh build" in shown
    assert "exit code 3" in shown
