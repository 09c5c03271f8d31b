"""The job in docs/gate.md is YAML, and its commands do what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from batchproof.artifacts.manifest import Manifest
from batchproof.gate.rules import DEFAULT_RULES, load_rules
from tests.gate.stores import DETECTOR, judged, store, with_verdicts, write

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs" / "gate.md").read_text(encoding="utf-8")
JOB = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
# The loader has no types, and comes with insightface.
WORKFLOW: dict[Any, Any] = import_module("yaml").safe_load(JOB)
COMMANDS = [step["run"] for step in WORKFLOW["jobs"]["gate"]["steps"] if "run" in step]
INSTALL, RUN, GATE = COMMANDS


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does, with our own Python first on the path."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "batchproof").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m batchproof "$@"\n')
    (programs / "batchproof").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    return subprocess.run(bash, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What a repository of models has when its job comes to the gate."""
    store(tmp_path / "artifacts" / "models")
    shutil.copyfile(DEFAULT_RULES, tmp_path / "gate.toml")
    return tmp_path


def test_the_job_has_ten_lines_and_runs_on_every_push() -> None:
    assert len(JOB.splitlines()) <= 11
    assert WORKFLOW[True] == ["push", "pull_request"]  # YAML 1.1 takes `on` for true, GitHub does not
    assert WORKFLOW["jobs"]["gate"]["runs-on"] == "ubuntu-latest"


def test_the_job_installs_extras_that_exist() -> None:
    extras = re.findall(r"batchproof\[([a-z,]+)\]", INSTALL)[0].split(",")
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    for extra in extras:
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


def test_the_gate_of_the_job_passes_a_good_store_and_leaves_junit(repository: Path) -> None:
    done = shell(GATE, repository)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (repository / "gate.xml").read_bytes().startswith(b"<?xml")


def test_the_gate_of_the_job_stops_a_contaminated_one(repository: Path) -> None:
    root = repository / "artifacts" / "models"
    write(root, with_verdicts(store(root), f"{DETECTOR}.fp16", "probe.contamination", figure=1.0))
    assert shell(GATE, repository).returncode == 1


def test_the_run_of_the_job_ends_it_when_there_is_nothing_to_run(repository: Path) -> None:
    """And every option of it exists: the folder of pictures is what is missed."""
    (repository / "models").mkdir()
    done = shell(RUN, repository)
    assert done.returncode == 1
    assert "images: " in done.stderr


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 0), (2, 1), (130, 1)])
def test_the_job_goes_on_to_the_gate_when_a_verdict_failed_and_only_then(tmp_path: Path, code: int, ends: int) -> None:
    guard = RUN.partition("||")[2]
    assert shell(f"(exit {code}) ||{guard}", tmp_path).returncode == ends


def test_the_page_names_every_rule_and_no_other_and_links_to_what_exists(tmp_path: Path) -> None:
    manifest, rules = store(tmp_path), load_rules()
    rules = replace(rules, models=replace(rules.models, expected=(DETECTOR,)))
    found = [*judged(tmp_path, manifest, rules, manifest), *judged(tmp_path, Manifest("empty"), baseline=manifest)]
    named = {name for name in re.findall(r"`gate\.([a-z_]+)[.`]", PAGE) if name not in ("toml", "xml")}
    assert named == {verdict.check.split(".")[1] for verdict in found}
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (REPOSITORY / "docs" / target).exists(), target
