"""`batchproof bench` as its users meet it: a process, its streams, its files and its exit code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.store import MANIFEST
from batchproof.pipeline.opencv import cv2
from tests.bench.stores import EMBEDDER, build, opened
from tests.pipeline.tiny_scrfd import picture

QUICK = ("--batches", "1,2,8", "--rounds", "1", "--threads", "1", "--size", "96x160")


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "batchproof", "bench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("built")
    with opened(root / "store") as store:
        build(store)
    (root / "images").mkdir()
    cv2.imwrite(str(root / "images" / "faces.png"), picture(120, 150))
    return root


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path / "copy")
    return tmp_path / "copy"


def test_json_is_one_document_and_the_store_and_its_reports_have_the_figures(copy: Path) -> None:
    done = bench(copy / "store", "--images", copy / "images", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [(one["subject"], one["backend"]) for one in document["engines"]] == [
        ("det.fp32", "ort"),
        ("det.fp32", "onnx"),
        ("emb.fp32", "ort"),
        ("emb.fp32", "onnx"),
    ]
    assert (document["report"], document["page"]) == tuple(
        str(copy / "store" / f"report.{kind}") for kind in ("md", "html")
    )
    assert [figures["batch"] for figures in document["engines"][0]["batches"]] == [1, 2]
    assert document["pipelines"][0]["compared"][-1]["faces"] > 0
    assert {verdict["check"].partition(".")[0] for verdict in document["verdicts"]} == {"bench"}
    manifest = manifests.read(copy / "store" / MANIFEST)
    assert any(verdict.check == "bench.onnx.gain" for verdict in manifest.verdicts)
    assert "## Speed" in (copy / "store" / "report.md").read_text(encoding="utf-8")
    assert "Throughput of det by batch" in (copy / "store" / "report.html").read_text(encoding="utf-8")


def test_people_see_a_table_for_each_engine_and_what_was_not_run(copy: Path) -> None:
    done = bench(copy / "store", "--images", copy / "images", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "det.fp32 on onnx, ms" in done.stdout
    assert "all in one call" in done.stdout
    assert "not_run det.fp32 bench.ort.batches: not measured: 8 (it was built for 1,2,4@96x160)" in done.stdout


def no_store(folder: Path) -> list[str | Path]:
    (folder / "store" / MANIFEST).unlink()
    return []


def nothing_built(folder: Path) -> list[str | Path]:
    path = folder / "store" / MANIFEST
    document = json.loads(path.read_text())
    document["records"] = [record for record in document["records"] if record["stage"] != "build"]
    path.write_text(json.dumps(document))
    return []


def no_pictures(folder: Path) -> list[str | Path]:
    (folder / "images" / "faces.png").unlink()
    return []


def no_picture(folder: Path) -> list[str | Path]:
    (folder / "images" / "faces.png").write_bytes(b"none")
    return []


def bad_batch(folder: Path) -> list[str | Path]:
    return ["--batches", "1,zwei"]


def no_batch(folder: Path) -> list[str | Path]:
    return ["--batches", "0"]


def bad_size(folder: Path) -> list[str | Path]:
    return ["--size", "100x100"]


def no_size(folder: Path) -> list[str | Path]:
    return ["--size", "big"]


BAD: list[tuple[Callable[[Path], list[str | Path]], str]] = [
    (no_store, "manifest.json: cannot be read (No such file"),
    (nothing_built, "nothing is built here. Run batchproof run"),
    (no_pictures, "images: no pictures here"),
    (no_picture, "faces.png: not a readable picture"),
    (bad_batch, "'zwei' in '1,zwei' is no batch size"),
    (no_batch, "'0' in '0' is no batch size"),
    (bad_size, "image size 100x100 is no multiple of 32"),
    (no_size, "'big' is no image size"),
]


@pytest.mark.parametrize(("spoil", "sentence"), BAD, ids=[spoil.__name__ for spoil, _ in BAD])
def test_what_cannot_be_measured_is_one_line_and_exit_code_2(
    copy: Path, spoil: Callable[[Path], list[str | Path]], sentence: str
) -> None:
    done = bench(copy / "store", "--images", copy / "images", *spoil(copy))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert sentence in line


@pytest.mark.parametrize("option", [("--rounds", "0"), ("--threads", "0"), ("--threads", "many")])
def test_numbers_that_make_no_sense_are_refused(copy: Path, option: tuple[str, str]) -> None:
    assert bench(copy / "store", *option).returncode == 2


def test_a_benchmark_in_which_nothing_could_be_measured_ends_with_3(tmp_path: Path) -> None:
    with opened(tmp_path / "store") as store:
        build(store, (EMBEDDER,))
    done = bench(tmp_path / "store", "--batches", "64", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"]) == (3, 3)
    assert {one["status"] for one in document["verdicts"]} == {"not_run"}
    assert document["engines"] == document["pipelines"] == []
