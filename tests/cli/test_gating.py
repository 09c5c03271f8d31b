"""`batchproof gate` as CI meets it: a process, its streams, its files and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from batchproof.artifacts.manifest import Manifest
from batchproof.artifacts.store import MANIFEST
from batchproof.gate.rules import DEFAULT_RULES
from batchproof.verdict import Status
from tests.gate.stores import DETECTOR, store, with_verdicts, without, write
from tests.report.junit_schema import faults

HOSTILE = 'x"><y\n::error::z|\x1b[31m'


def gate(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "batchproof", "gate", *map(str, arguments)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    return subprocess.run(
        command, env={**inherited, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


def good(manifest: Manifest) -> Manifest:
    return manifest


def contaminated(manifest: Manifest) -> Manifest:
    return with_verdicts(manifest, f"{DETECTOR}.fp16", "probe.contamination", figure=0.5)


def unmeasured(manifest: Manifest) -> Manifest:
    return without(manifest, lambda record: record.check == "parity")


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (good, 0, "0 are broken, 0 could not be decided"),
        (contaminated, 1, f"fail    {DETECTOR}.fp16 gate.contamination 0.5 (limit 0): probe.contamination.session"),
        (unmeasured, 3, "0 are broken, 6 could not be decided"),
        (lambda manifest: contaminated(unmeasured(manifest)), 1, "1 are broken, 6 could not be decided"),
    ],
)
def test_the_exit_code_says_whether_rules_hold_are_broken_or_undecided(
    tmp_path: Path, change: Callable[[Manifest], Manifest], code: int, told: str
) -> None:
    write(tmp_path, change(store(tmp_path)))
    done = gate(tmp_path)
    assert (done.returncode, told in done.stdout) == (code, True), done.stdout + done.stderr


def test_json_is_one_document_with_every_rule(tmp_path: Path) -> None:
    write(tmp_path, contaminated(store(tmp_path)))
    done = gate(tmp_path, "--json", GITHUB_ACTIONS="true")
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode == 1
    failed = [verdict for verdict in document["verdicts"] if verdict["status"] == "fail"]
    assert [(verdict["check"], verdict["figure"], verdict["threshold"]) for verdict in failed] == [
        ("gate.contamination", 0.5, 0.0)
    ]
    assert done.stderr.startswith("::error file=")


def test_github_gets_annotations_and_a_summary_that_keeps_what_was_there(tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    write(tmp_path, contaminated(store(tmp_path)))
    done = gate(tmp_path, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    commands = [line for line in done.stdout.splitlines() if line.startswith("::")]
    (command,) = commands
    assert command.startswith(f"::error file={tmp_path / MANIFEST},title={DETECTOR}.fp16 gate.contamination::fail: 0.5")
    assert page.read_text().startswith("before\n## Batchproof gate: models\n")
    assert "::" not in gate(tmp_path).stdout


def test_junit_has_a_suite_for_each_model(tmp_path: Path) -> None:
    report = tmp_path / "gate.xml"
    write(tmp_path, contaminated(store(tmp_path)))
    assert gate(tmp_path, "--junit", report).returncode == 1
    root = Xml.fromstring(report.read_bytes())
    assert faults(root) == []
    assert [suite.get("name") for suite in root] == ["models", DETECTOR, "w600k"]
    assert [suite.get("failures") for suite in root] == ["0", "1", "0"]


@pytest.mark.parametrize("environment", [{}, {"GITHUB_ACTIONS": "true"}])
def test_a_hostile_model_is_one_line_of_a_terminal_one_command_and_one_suite(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    manifest = store(tmp_path)
    entry = replace(manifest.models[DETECTOR], licence=HOSTILE)
    write(tmp_path, replace(manifest, models={**manifest.models, HOSTILE: entry}))
    page, report = tmp_path / "summary.md", tmp_path / "gate.xml"
    done = gate(tmp_path, "--junit", report, GITHUB_STEP_SUMMARY=str(page), **environment)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert all(line.isprintable() for line in lines)
    if environment:
        assert {line.partition(" ")[0] for line in lines[:-1]} == {"::error", "::warning"}
    else:
        assert not any(line.startswith("::") for line in lines)
    assert faults(Xml.fromstring(report.read_bytes())) == []
    assert "\x1b" not in page.read_text()


def newer(folder: Path) -> list[Path]:
    path = folder / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2, "signature": "abc"}))
    return []


def no_store(folder: Path) -> list[Path]:
    (folder / MANIFEST).unlink()
    return []


def cut_off(folder: Path) -> list[Path]:
    path = folder / MANIFEST
    path.write_text(path.read_text()[:500])
    return []


def outside(folder: Path) -> list[Path]:
    path = folder / MANIFEST
    path.write_text(path.read_text().replace(f"export/{DETECTOR}.onnx", "../../etc/passwd"))
    return []


def unknown_key(folder: Path) -> list[str | Path]:
    policy = folder / "mine.toml"
    policy.write_text(DEFAULT_RULES.read_text().replace("[models]", "[models]\nforbidden = []"))
    return ["--policy", policy]


def no_baseline(folder: Path) -> list[str | Path]:
    return ["--baseline", folder / "none.json"]


def unwritable(folder: Path) -> list[str | Path]:
    return ["--junit", folder / "none" / "gate.xml"]


BAD: list[tuple[Callable[[Path], list[str | Path]] | Callable[[Path], list[Path]], str]] = [
    (newer, "has format 2, this version reads 1. Use the version of batchproof that wrote it"),
    (no_store, "manifest.json: cannot be read (No such file"),
    (cut_off, "not a manifest that this version can read"),
    (outside, "is no place for an artifact of the store"),
    (unknown_key, "gate policy refused: models.forbidden: Unexpected"),
    (no_baseline, "none.json: cannot be read (No such file"),
    (unwritable, "gate.xml: cannot be written"),
]


@pytest.mark.parametrize(("spoil", "sentence"), BAD, ids=[spoil.__name__ for spoil, _ in BAD])
def test_what_cannot_be_judged_is_one_line_and_exit_code_2(
    tmp_path: Path, spoil: Callable[[Path], list[str | Path]], sentence: str
) -> None:
    store(tmp_path)
    done = gate(tmp_path, *spoil(tmp_path))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert sentence in line


def test_a_summary_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    store(tmp_path)
    done = gate(tmp_path, GITHUB_STEP_SUMMARY=str(tmp_path / "none" / "page.md"))
    assert (done.returncode, "page.md: cannot be written" in done.stderr) == (2, True)


def test_a_baseline_of_the_same_run_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, with_verdicts(store(tmp_path), f"{DETECTOR}.fp32", "parity.box_shift", status=Status.PASS))
    assert gate(tmp_path, "--baseline", tmp_path / MANIFEST).returncode == 0
