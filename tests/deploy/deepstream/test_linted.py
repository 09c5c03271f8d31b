"""The linter, which knows DeepStream from other sources than the emitter, finds nothing in what the emitter writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.deploy.deepstream.bundle import bundle_files, library_sources
from batchproof.deploy.lint.folder import lint_folder, read_folder
from tests.deploy.deepstream.plans import RELEASES, plan


@pytest.mark.parametrize("release", RELEASES)
def test_a_bundle_of_every_release_is_without_a_finding(release: str, tmp_path: Path) -> None:
    for path, text in bundle_files(plan(release), library_sources()).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    read = read_folder(tmp_path)
    found = lint_folder(read).findings
    assert read.triton is not None
    assert len(read.triton.configs) == len(plan(release).models)
    told = [(finding.rule, finding.file, finding.line, finding.sentence) for finding in found]
    # The graphs come from a store.
    assert [one for one in told if one[0] != "files.missing" or ".onnx' is not in" not in one[3]] == []
