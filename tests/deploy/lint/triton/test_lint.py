from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from batchproof.deploy.lint.folder import lint_folder, read_folder
from batchproof.deploy.lint.lint import Report
from batchproof.deploy.lint.triton.rules import ALL
from batchproof.verdict import Status
from tests.deploy.lint.triton.broken import BROKEN, Broken
from tests.deploy.lint.triton.repositories import repository


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that is right."""
    return repository(tmp_path_factory.mktemp("repository"))


def report(root: Path) -> Report:
    return lint_folder(read_folder(root))


def test_a_good_repository_has_no_finding_and_no_rule_is_left_out(good: Path) -> None:
    found = report(good)
    assert found.findings == ()
    assert {verdict.status for verdict in found.verdicts} == {Status.PASS}
    assert found.rules_that_ran == sorted(rule.name for rule in ALL)


@pytest.mark.parametrize("case", BROKEN, ids=[f"{case.rule}-{case.key or case.file}" for case in BROKEN])
def test_one_edit_gives_one_finding_where_it_was_made(tmp_path: Path, good: Path, case: Broken) -> None:
    root = shutil.copytree(good, tmp_path / "bundle")
    case.edit(root)
    findings = report(root).findings
    assert [(one.rule, one.file, one.key) for one in findings] == [(case.rule, case.file, case.key)], findings
    assert case.told in f"{findings[0].sentence}. {findings[0].remedy}"


def test_every_rule_is_broken_by_some_edit() -> None:
    assert {case.rule for case in BROKEN} == {rule.name for rule in ALL}
