"""`batchproof deploy lint` as a user and as CI meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.deploy.lint.bundles import PGIE, ini_bundle, written
from tests.deploy.lint.edits import Edit, replaced, together
from tests.deploy.lint.triton.broken import SCRFD_CONFIG
from tests.deploy.lint.triton.repositories import REPOSITORY, repository
from tests.test_cli import batchproof


def nothing(root: Path) -> None:
    """A good bundle."""


WARNED = replaced("configs/pgie.txt", ("scaling-filter=1\n", ""))
BROKEN = together(WARNED, replaced("configs/app.txt", ("display-mask=0", "display-mask=1")))


@pytest.mark.parametrize(
    ("edit", "code", "told"),
    [
        (nothing, 0, ["errors: 0, warnings: 0, files: 7, Triton models: 1; for DeepStream 6.3"]),
        (
            WARNED,
            0,
            [
                "configs/pgie.txt",
                "     2 warning silent.scaling: pictures are scaled by the nearest pixel, which is the default: "
                "small faces are lost. Write scaling-filter=1.",
                "errors: 0, warnings: 1, files: 7, Triton models: 1; for DeepStream 6.3",
            ],
        ),
    ],
)
def test_the_exit_code_tells_errors_from_warnings(tmp_path: Path, edit: Edit, code: int, told: list[str]) -> None:
    edit(ini_bundle(tmp_path))
    done = batchproof("deploy", "lint", tmp_path)
    assert (done.returncode, done.stdout.splitlines()) == (code, told), done.stderr


def test_files_with_errors_come_first(tmp_path: Path) -> None:
    BROKEN(ini_bundle(tmp_path))
    done = batchproof("deploy", "lint", tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert (lines[0], lines[2]) == ("configs/app.txt", "configs/pgie.txt")
    assert "error   silent.mask_drawn" in lines[1]


def test_json_is_one_document_with_findings_verdicts_and_files(tmp_path: Path) -> None:
    BROKEN(ini_bundle(tmp_path))
    done = batchproof("deploy", "lint", tmp_path, "--target", "deepstream-9.1", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"], document["release"]) == (1, 1, "9.1")
    assert document["files"]["configs/app.txt"] == "deepstream-app"
    assert [finding["rule"] for finding in document["findings"]] == ["silent.mask_drawn", "silent.scaling"]
    assert {key: document["findings"][0][key] for key in ("severity", "file", "key")} == {
        "severity": "error",
        "file": "configs/app.txt",
        "key": "display-mask",
    }
    statuses = [verdict["status"] for verdict in document["verdicts"]]
    assert statuses[:2] == ["fail", "unknown"]
    assert set(statuses[2:]) == {"pass"}


def test_nothing_in_a_file_reaches_the_terminal_as_a_code(tmp_path: Path) -> None:
    written(tmp_path, {"pgie.txt": PGIE.replace("labelfile-path", "labelfile-\x1b[31m[bold]")})
    done = batchproof("deploy", "lint", tmp_path)
    assert "\x1b" not in done.stdout
    assert "'labelfile-\\x1b[31m[bold]' is no key" in done.stdout
    assert "name the DeepStream with --target" in done.stdout


def test_a_model_repository_is_linted_without_deepstream(tmp_path: Path) -> None:
    replaced(SCRFD_CONFIG, ("max_batch_size: 4", "max_batch_size: -4"))(repository(tmp_path))
    done = batchproof("deploy", "lint", tmp_path / REPOSITORY)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "scrfd/config.pbtxt" in lines
    assert any("error   batching.negative: max_batch_size is -4" in line for line in lines)
    assert lines[-1].endswith("files: 7, Triton models: 6")


def test_json_lists_the_rules_that_ran(tmp_path: Path) -> None:
    done = batchproof("deploy", "lint", repository(tmp_path), "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["findings"]) == (0, [])
    assert document["files"][SCRFD_CONFIG] == "triton"
    assert "batching.negative" in document["rules"]
    assert "silent.scaling" not in document["rules"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["."], "no file in it configures DeepStream or Triton"),
        (["missing"], "missing: is no folder"),
        ([".", "--target", "triton-26.07"], "target 'triton-26.07' is no DeepStream"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = batchproof("deploy", "lint", *arguments, "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert json.loads(done.stdout)["exit_code"] == 2
