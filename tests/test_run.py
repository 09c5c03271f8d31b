"""The main job as users and their CI run it: whole packs, through all stages, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.whole
REPOSITORY = Path(__file__).parents[1]
MODELS = (
    "det_2.5g",
    "det_500m",
    "mobilefacenet_112",
    "mobilefacenet_112_batch1",
    "scrfd_500m_bnkps_batch1",
    "scrfd_500m_kps_shapeop",
)


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "batchproof", "run", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*arguments: str | Path) -> tuple[int, str, str]:
    process = start(*arguments)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def manifest(store: Path) -> dict[str, Any]:
    return dict(json.loads((store / "manifest.json").read_text()))


def verdicts(store: Path, check: str) -> dict[str, dict[str, Any]]:
    """Verdicts of one check, by subject."""
    found = [verdict for record in manifest(store)["records"] for verdict in record["verdicts"]]
    return {verdict["subject"]: verdict for verdict in found if verdict["check"] == check}


def files(store: Path) -> set[str]:
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    code, _, err = run("--out", out, "--json")
    assert code == 0, err
    return out / "demo"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Path:
    out = tmp_path_factory.mktemp("real")
    code, _, err = run("--models", test_data / "models", "--images", test_data / "images", "--out", out, "--json")
    assert code == 0, err
    return out / "models"


def test_the_demo_pack_leaves_exactly_what_its_manifest_names(demo: Path) -> None:
    named = {artifact["path"] for record in manifest(demo)["records"] for artifact in record["artifacts"]}
    assert files(demo) == named | {"manifest.json", "report.md", "report.html"}
    for model in ("scrfd_500m_kps", "mobilefacenet"):
        assert f"export/{model}.onnx" in named
        for precision in ("fp32", "fp16"):
            assert f"surgery/{model}.{precision}.onnx" in named
            assert f"build/ort/{model}.{precision}.ort" in named
            assert f"build/rtx/{model}.{precision}.engine" in named


def test_the_demo_detector_is_validated_on_faces(demo: Path) -> None:
    faces = verdicts(demo, "parity.faces")["scrfd_500m_kps.fp32"]
    assert faces["status"] == "pass"
    assert int(faces["reason"].split()[0]) > 10


def test_what_cannot_run_here_says_so(demo: Path) -> None:
    for check in ("build.rtx.executes", "build.local.completes"):
        assert {verdict["status"] for verdict in verdicts(demo, check).values()} == {"not_run"}
    assert "not_run" in (demo / "report.md").read_text()


def test_the_gate_lets_the_demo_pack_pass(demo: Path) -> None:
    command = [sys.executable, "-m", "batchproof", "gate", str(demo), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    judged = {verdict["check"] for verdict in json.loads(done.stdout)["verdicts"]}
    assert len(judged) > 5


def test_a_second_run_computes_nothing_and_says_so(demo: Path) -> None:
    before = (demo / "manifest.json").read_bytes()
    code, out, err = run("--out", demo.parent)
    assert code == 0
    assert err.count("nothing to do") == 4
    assert "probe" not in err
    assert "scrfd_500m_kps" in out
    assert "- fp16" in out
    assert (demo / "manifest.json").read_bytes() == before


def test_a_run_killed_anywhere_goes_on_where_it_was(tmp_path: Path, demo: Path) -> None:
    for seconds in (2.5, 4.0, 5.5):
        process = start("surgery", "--out", tmp_path)
        time.sleep(seconds)
        process.kill()
        process.communicate()
        assert process.returncode in (-signal.SIGKILL, 0)
    code, _, err = run("surgery", "--out", tmp_path)
    assert code == 0, err
    records = manifest(tmp_path / "demo")["records"]
    artifacts = {a["path"]: a["sha256"] for record in records for a in record["artifacts"]}
    whole = {a["path"]: a["sha256"] for record in manifest(demo)["records"] for a in record["artifacts"]}
    assert files(tmp_path / "demo") == set(artifacts) | {"manifest.json", "report.md", "report.html"}
    assert artifacts == {path: digest for path, digest in whole.items() if path.startswith(("export", "surgery"))}


def test_a_failed_verdict_is_exit_code_1(demo: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    committed = REPOSITORY / "batchproof" / "policy.toml"
    policy.write_text(committed.read_text().replace("min_cosine = 0.99999", "min_cosine = 1.0"))
    code, out, _ = run("--out", demo.parent, "--policy", policy, "--json")
    failed = [verdict for verdict in json.loads(out)["verdicts"] if verdict["status"] == "fail"]
    assert (code, [(verdict["check"], verdict["subject"]) for verdict in failed]) == (
        1,
        [("parity.embedding_cosine", "mobilefacenet.fp32")],
    )


def test_form_a_repaired_equals_the_original_to_the_bit(real: Path) -> None:
    for state in ("optimised", "unoptimised"):
        found = verdicts(real, f"surgery.equals_original.{state}")
        assert found["det_2.5g.fp32"]["figure"] == found["det_500m.fp32"]["figure"] == 0


def test_every_row_of_a_batch_equals_its_single_run(real: Path) -> None:
    for size in ("640x640", "448x640"):
        for state in ("optimised", "unoptimised"):
            found = verdicts(real, f"surgery.rows_equal_singles.{size}.{state}")
            assert set(found) == {f"{model}.fp32" for model in MODELS if "facenet" not in model}
            assert all(verdict["figure"] <= 1e-5 for verdict in found.values())


def test_insightface_s_faces_are_found_again_by_the_batch(real: Path) -> None:
    for model in (model for model in MODELS if "facenet" not in model):
        subject = f"{model}.fp32"
        assert verdicts(real, "parity.faces")[subject]["figure"] == 0
        assert verdicts(real, "parity.box_shift")[subject]["figure"] <= 0.05
        assert verdicts(real, "parity.landmark_shift")[subject]["figure"] <= 0.05
    # 29 in Solvay, 154 in lumia, and the portraits.
    assert int(verdicts(real, "parity.faces")["det_2.5g.fp32"]["reason"].split()[0]) >= 29 + 154


def test_embeddings_of_the_batch_are_insightface_s(real: Path) -> None:
    found = verdicts(real, "parity.embedding_cosine")
    assert found["mobilefacenet_112.fp32"]["figure"] >= 0.99999
    assert found["mobilefacenet_112_batch1.fp32"]["figure"] >= 0.99999


def test_no_stage_from_letterbox_to_decision_departs(real: Path) -> None:
    found = verdicts(real, "parity.chain")
    others = set(MODELS) - {"mobilefacenet_112"}  # the first embedder is in the chains of the detectors
    assert set(found) == {f"{model}.{precision}" for model in others for precision in ("fp32", "fp16")}
    assert {verdict["reason"] for verdict in found.values()} == {"first departing stage: none of 25"}


def test_no_model_is_contaminated(real: Path) -> None:
    for label in ("session", "unoptimised"):
        for batch in (5, 32):
            size = {model: "112x112" if "facenet" in model else "96x160" for model in MODELS}
            for model in MODELS:
                found = verdicts(real, f"probe.contamination.{label}.{size[model]}.batch_{batch}")
                assert [found[f"{model}.{precision}"]["figure"] for precision in ("fp32", "fp16")] == [0.0, 0.0]


def test_every_repaired_model_is_proven_and_no_original_that_flattens(real: Path) -> None:
    found = verdicts(real, "proof")
    assert {verdict["status"] for verdict in found.values()} == {"proven"}
    assert set(found) == {f"{model}.{precision}" for model in MODELS for precision in ("fp32", "fp16")}
    notes = {r["subject"]: r["notes"]["original"] for r in manifest(real)["records"] if r["check"] == "proof"}
    sound = {subject.removesuffix(".fp32") for subject, note in notes.items() if note.startswith("proven")}
    assert {model for model in sound if "fp16" not in model} == {"mobilefacenet_112", "scrfd_500m_kps_shapeop"}


def test_every_model_has_an_rtx_engine_in_both_precisions(real: Path) -> None:
    for model in MODELS:
        for precision in ("fp32", "fp16"):
            sidecar = json.loads((real / f"build/rtx/{model}.{precision}.engine.json").read_text())
            assert (sidecar["half_share"] > 0.5) == (precision == "fp16")
            assert (real / f"build/rtx/{model}.{precision}.engine").stat().st_size == sidecar["bytes"] > 1e6


def test_models_that_left_the_folder_leave_the_store(tmp_path: Path, test_data: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    for name in ("mobilefacenet_112_batch1", "det_500m"):
        (models / f"{name}.onnx").symlink_to(test_data / "models" / f"{name}.onnx")
    assert run("export", "--models", models, "--out", tmp_path / "out")[0] == 0
    (models / "det_500m.onnx").unlink()
    assert run("export", "--models", models, "--out", tmp_path / "out")[0] == 0
    reports = {"report.md", "report.html"}
    assert files(tmp_path / "out" / "models") == {"manifest.json", *reports, "export/mobilefacenet_112_batch1.onnx"}
