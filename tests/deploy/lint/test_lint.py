from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from batchproof.deploy.lint.lint import Report, lint
from batchproof.deploy.lint.reading import read_bundle
from batchproof.deploy.lint.rules import ALL
from batchproof.verdict import Status
from tests.deploy.lint.broken import BROKEN, Broken
from tests.deploy.lint.bundles import APP, SGIE, ini_bundle, yaml_bundle
from tests.deploy.lint.edits import put, replaced, without
from tests.deploy.lint.harmless import HARMLESS, Harmless


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The two good bundles, by whether they are YAML."""
    return {
        False: ini_bundle(tmp_path_factory.mktemp("ini")),
        True: yaml_bundle(tmp_path_factory.mktemp("yaml")),
    }


def report(root: Path) -> Report:
    return lint(read_bundle(root))


@pytest.mark.parametrize("yaml", [False, True])
def test_a_good_bundle_has_no_finding_and_no_rule_is_left_out(good: dict[bool, Path], yaml: bool) -> None:
    found = report(good[yaml])
    assert found.findings == ()
    assert {verdict.status for verdict in found.verdicts} == {Status.PASS}
    assert len(found.verdicts) == len(ALL)


@pytest.mark.parametrize("case", BROKEN, ids=[f"{case.rule}-{case.key or case.file}" for case in BROKEN])
def test_one_edit_gives_one_finding_where_it_was_made(tmp_path: Path, good: dict[bool, Path], case: Broken) -> None:
    root = shutil.copytree(good[case.yaml], tmp_path / "bundle")
    case.edit(root)
    findings = report(root).findings
    assert [(one.rule, one.file, one.key) for one in findings] == [(case.rule, case.file, case.key)], findings
    assert case.told in f"{findings[0].sentence}. {findings[0].remedy}"


@pytest.mark.parametrize("case", HARMLESS, ids=[case.about for case in HARMLESS])
def test_what_is_allowed_is_not_found(tmp_path: Path, good: dict[bool, Path], case: Harmless) -> None:
    root = shutil.copytree(good[case.yaml], tmp_path / "bundle")
    case.edit(root)
    assert report(root).findings == ()


def test_every_rule_is_broken_by_some_edit() -> None:
    assert {case.rule for case in BROKEN} == {rule.name for rule in ALL}


def test_a_finding_points_at_the_line(tmp_path: Path, good: dict[bool, Path]) -> None:
    root = shutil.copytree(good[False], tmp_path / "bundle")
    put("configs/sgie.txt", SGIE + "cluster-mode=9\n")(root)
    (finding,) = report(root).findings
    assert (finding.file, finding.line) == ("configs/sgie.txt", 11)
    assert finding.verdict.subject == "configs/sgie.txt:11"
    assert finding.verdict.status is Status.FAIL


def test_errors_come_first_and_a_warning_decides_nothing(tmp_path: Path, good: dict[bool, Path]) -> None:
    root = shutil.copytree(good[False], tmp_path / "bundle")
    put("configs/app.txt", APP + "gallery=one\nsync=two\ngpu-id=0\ngpu-id=0\n")(root)
    found = report(root)
    assert [finding.severity for finding in found.findings] == ["error", "warning", "warning"]
    assert found.errors == 1
    assert found.findings[1].verdict.status is Status.UNKNOWN


def test_the_key_in_the_file_does_not_help_where_the_application_overrides_it(
    tmp_path: Path, good: dict[bool, Path]
) -> None:
    root = shutil.copytree(good[False], tmp_path / "bundle")
    replaced("configs/sgie.txt", ("input-tensor-from-meta", "input-tensor-meta"))(root)
    without("configs/app.txt", "input-tensor-meta=1")(root)
    rules = [finding.rule for finding in report(root).findings]
    assert rules == ["wiring.target_without_tensor", "wiring.misnamed_tensor_key"]


def test_without_a_detector_deepstream_app_creates_nothing(tmp_path: Path, good: dict[bool, Path]) -> None:
    root = shutil.copytree(good[False], tmp_path / "bundle")
    replaced("configs/app.txt", ("[primary-gie]\nenable=1", "[primary-gie]\nenable=0"))(root)
    found = report(root).findings
    assert {finding.rule for finding in found} == {"wiring.not_created"}
    assert len(found) == 2
    assert all("no [primary-gie] is enabled" in finding.sentence for finding in found)


def test_without_a_release_and_networks_the_rules_that_need_them_are_not_run(
    tmp_path: Path, good: dict[bool, Path]
) -> None:
    root = shutil.copytree(good[False], tmp_path / "bundle", ignore=shutil.ignore_patterns("models", "manifest.json"))
    found = report(root)
    left_out = {verdict.check.removeprefix("deploy.lint.") for verdict in found.verdicts if not verdict}
    assert {finding.rule for finding in found.findings} == {"files.missing"}
    assert left_out == {"files.missing", *(rule.name for rule in ALL if rule.needs)}
