from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from batchproof.deploy.lint.folder import lint_folder, read_folder
from batchproof.deploy.lint.lint import Report
from batchproof.deploy.lint.triton.rules import ALL
from batchproof.verdict import Status
from tests.deploy.lint.bundles import written
from tests.deploy.lint.edits import replaced
from tests.deploy.lint.triton.broken import BROKEN, CUT_CONFIG, SCRFD_CONFIG, Broken, cut
from tests.deploy.lint.triton.harmless import HARMLESS, Harmless
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


@pytest.mark.parametrize("case", HARMLESS, ids=[case.about for case in HARMLESS])
def test_what_is_allowed_is_not_found(tmp_path: Path, good: Path, case: Harmless) -> None:
    root = shutil.copytree(good, tmp_path / "bundle")
    case.edit(root)
    assert report(root).findings == ()


def test_a_finding_points_at_the_line(tmp_path: Path, good: Path) -> None:
    root = shutil.copytree(good, tmp_path / "bundle")
    cut("dims: [ 112, 112, 3 ]", "\n  dims: [ 112, 0, 3 ]")(root)
    (size, *others) = report(root).findings
    assert (size.rule, size.file, size.line) == ("io.size", CUT_CONFIG, 5)
    assert [other.rule for other in others] == ["ensemble.dims"]


def test_without_networks_the_rules_that_need_them_are_not_run(tmp_path: Path) -> None:
    root = written(tmp_path, {"net/config.pbtxt": 'backend: "python"', "net/1/model.py": ""})
    left_out = {rule.name for rule in ALL if rule.needs}
    found = report(root)
    assert found.findings == ()
    assert left_out
    assert set(found.rules_that_ran) == {rule.name for rule in ALL} - left_out


def test_a_file_that_the_server_cannot_parse_is_found_by_the_parser_alone(tmp_path: Path, good: Path) -> None:
    root = shutil.copytree(good, tmp_path / "bundle")
    replaced(SCRFD_CONFIG, ("max_batch_size: 4", "max_batch_size: -4 unknown: 1"))(root)
    assert [finding.rule for finding in report(root).findings] == ["text.unknown_field"]
