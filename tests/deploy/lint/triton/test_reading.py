"""Folders as people have them, and as attackers make them."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.deploy.lint.folder import lint_folder, read_folder
from batchproof.errors import InputError
from tests.deploy.lint.bundles import ini_bundle, written
from tests.deploy.lint.triton.broken import CUT_CONFIG
from tests.deploy.lint.triton.repositories import CUT, REPOSITORY, repository


def found(root: Path) -> list[tuple[str, str]]:
    return [(finding.rule, finding.file) for finding in lint_folder(read_folder(root)).findings]


def names(root: Path) -> dict[str, list[str]]:
    """The models of every repository."""
    triton = read_folder(root).triton
    assert triton is not None
    return {one.folder: [model.name for model in one.models] for one in triton.repositories}


def test_a_repository_is_found_anywhere_and_as_itself(tmp_path: Path) -> None:
    models = ["arcface", "arcface.fp16", "cut", "embed", "faces", "scrfd"]
    root = repository(tmp_path)
    assert names(root) == {REPOSITORY: models}
    assert names(root / REPOSITORY) == {"": models}


def test_two_repositories_do_not_know_each_other(tmp_path: Path) -> None:
    repository(tmp_path / "one")
    repository(tmp_path / "two")
    (tmp_path / "two" / REPOSITORY / "cut/config.pbtxt").rename(tmp_path / "two" / REPOSITORY / "cut/was.pbtxt")
    assert list(names(tmp_path)) == [f"one/{REPOSITORY}", f"two/{REPOSITORY}"]
    assert [rule for rule, _ in found(tmp_path)] == ["model.no_config"]


def test_a_bundle_of_deepstream_has_both_kinds_of_findings(tmp_path: Path) -> None:
    root = ini_bundle(tmp_path)
    config = root / "triton/model_repo/scrfd/config.pbtxt"
    config.write_text(config.read_text().replace('name: "scrfd"', 'name: "other"'))
    (root / "configs/app.txt").write_text((root / "configs/app.txt").read_text().replace("mask=0", "mask=1"))
    assert {rule for rule, _ in found(root)} == {"model.name", "silent.mask_drawn"}


def test_files_of_models_configure_no_deepstream(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root / REPOSITORY / "cut/1/labels.txt").write_bytes(b"\xff\xfe\0")
    (root / "notes.txt").write_bytes(b"\xff\xfe\0")
    read = read_folder(root)
    assert (read.bundle, found(root)) == (None, [])


def test_the_folder_of_one_model_is_no_repository(tmp_path: Path) -> None:
    root = repository(tmp_path)
    with pytest.raises(InputError, match="is a model of Triton, and no repository"):
        read_folder(root / REPOSITORY / "cut")


def test_what_is_outside_is_not_opened(tmp_path: Path) -> None:
    root = repository(tmp_path / "in")
    outside = written(tmp_path / "out", {"config.pbtxt": "name: broken {", "1/model.py": ""})
    (root / REPOSITORY / "linked").symlink_to(outside)
    (root / REPOSITORY / "cut/2").symlink_to(outside / "1")
    (root / REPOSITORY / "faces/configs").mkdir()
    (root / REPOSITORY / "faces/configs/linked.pbtxt").symlink_to(outside / "config.pbtxt")
    assert found(root) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\0", "is no text"),
        (CUT.encode("utf-16"), "is no text"),
        (b"input {" * 100_000, "too many messages"),
        (b"input [" * 100_000, "is not closed"),
        (b'name: "' + b"a" * 500_000, "where a field is expected"),
        (b"#" * (2**20 + 1), "bytes are too large"),
    ],
)
def test_a_hostile_configuration_is_one_finding(tmp_path: Path, content: bytes, told: str) -> None:
    root = repository(tmp_path)
    (root / CUT_CONFIG).write_bytes(content)
    (finding,) = lint_folder(read_folder(root)).findings
    assert (finding.rule, finding.file) == ("text.unreadable", CUT_CONFIG)
    assert told in finding.sentence


@pytest.mark.parametrize(
    "content",
    [b"", b"\n" * 2**19, b"dims: 1 " * 100_000, b"input { } " * 20_000, b"max_batch_size: " + b"9" * 900_000],
)
def test_a_strange_configuration_ends_in_findings_and_no_traceback(tmp_path: Path, content: bytes) -> None:
    root = written(tmp_path, {"net/1/model.py": ""})
    (root / "net/config.pbtxt").write_bytes(content)
    assert {file for _, file in found(root)} <= {"net/config.pbtxt"}


def test_thousands_of_models_are_read(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"net{number}/1").mkdir(parents=True)
        (tmp_path / f"net{number}/config.pbtxt").touch()
    assert {rule for rule, _ in found(tmp_path)} == {"model.no_backend"}


def test_far_too_many_folders_are_refused(tmp_path: Path) -> None:
    for number in range(10_001):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(InputError, match="has more than 10000 files"):
        read_folder(tmp_path)


def test_a_folder_of_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="configures DeepStream or Triton"):
        read_folder(written(tmp_path, {"README.md": "nothing"}))


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"detector": 4}', '{"detector": {"model": 1, "batch": "x"}}'])
def test_a_hostile_pipeline_is_one_finding(tmp_path: Path, text: str) -> None:
    root = repository(tmp_path)
    (root / REPOSITORY / "faces/1/pipeline.json").write_text(text)
    assert found(root) == [("faces.pipeline", f"{REPOSITORY}/faces/1/pipeline.json")]
