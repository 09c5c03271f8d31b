from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.artifacts.hashing import content_sha256
from batchproof.verdict import Status, Verdict
from tests.gate.stores import DETECTOR, judged, open_rules, store, with_verdicts

GRAPH = f"surgery/{DETECTOR}.fp16.onnx"
FILES = (DETECTOR, "gate.files")


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


def another_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"fp16")] ^= 1
    path.write_bytes(bytes(content))


def no_onnx(path: Path) -> None:
    path.write_bytes(b"\xff" * path.stat().st_size)


def missing(path: Path) -> None:
    path.unlink()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


EDITS = [
    (longer, "bytes, not"),
    (another_byte, "has another content"),
    (no_onnx, "onnx"),
    (missing, "is missing"),
    (folder, "is missing"),
    (pipe, "is missing"),
    (broken_link, "is missing"),
]


def only_verdict(verdicts: list[Verdict], subject: str, check: str) -> Verdict:
    (found,) = [verdict for verdict in verdicts if (verdict.subject, verdict.check) == (subject, check)]
    return found


@pytest.mark.parametrize(("edit", "told"), EDITS, ids=[edit.__name__ for edit, _ in EDITS])
def test_an_edited_artifact_fails_and_is_named(tmp_path: Path, edit: Callable[[Path], None], told: str) -> None:
    manifest = store(tmp_path)
    edit(tmp_path / GRAPH)
    found = judged(tmp_path, manifest)
    assert open_rules(found) == {FILES: Status.FAIL}
    verdict = only_verdict(found, *FILES)
    assert (verdict.figure, verdict.threshold) == (1, 0)
    assert GRAPH in str(verdict.witness)
    assert told in str(verdict.witness)


def test_a_store_without_its_files_fails_for_every_model(tmp_path: Path) -> None:
    manifest = store(tmp_path)
    shutil.rmtree(tmp_path / "surgery")
    found = open_rules(judged(tmp_path, manifest))
    assert set(found) == {(model, "gate.files") for model in manifest.models}


def test_a_verdict_about_another_file_does_not_count(tmp_path: Path) -> None:
    """Someone puts another graph in, with the right hash, and keeps what was proven of the old one."""
    manifest = store(tmp_path)
    path = tmp_path / GRAPH
    another_byte(path)
    records = tuple(
        replace(record, artifacts=(replace(record.artifacts[0], sha256=content_sha256(path)),))
        if any(artifact.path == GRAPH for artifact in record.artifacts)
        else record
        for record in manifest.records
    )
    found = judged(tmp_path, replace(manifest, records=records))
    assert open_rules(found) == {(DETECTOR, "gate.parents"): Status.FAIL}
    assert only_verdict(found, DETECTOR, "gate.parents").figure == 4


def test_what_the_run_found_wrong_stays_wrong(tmp_path: Path) -> None:
    """Also where no rule of the gate looks at the check."""
    manifest = with_verdicts(store(tmp_path), DETECTOR, "export.taken_over", status=Status.FAIL)
    found = judged(tmp_path, manifest)
    assert open_rules(found) == {(DETECTOR, "gate.failures"): Status.FAIL}
    assert only_verdict(found, DETECTOR, "gate.failures").witness == f"{DETECTOR} export.taken_over: as it was"
