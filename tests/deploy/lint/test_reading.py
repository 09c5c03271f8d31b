from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchproof.deploy.lint import folder_files
from batchproof.deploy.lint.bundle import inside, path_of
from batchproof.deploy.lint.lint import lint
from batchproof.deploy.lint.reading import read_bundle
from batchproof.errors import InputError
from tests.deploy.lint.bundles import PGIE, YAML_SGIE, ini_bundle, written


@pytest.mark.parametrize(
    ("config", "named", "path"),
    [
        ("configs/pgie.txt", "../models/a.onnx", "models/a.onnx"),
        ("pgie.txt", "./models//a.onnx", "models/a.onnx"),
        ("configs/pgie.txt", "../../secrets", None),
        ("pgie.txt", "a/../../secrets", None),
        ("pgie.txt", "/etc/passwd", None),
        ("pgie.txt", "", None),
    ],
)
def test_paths_are_those_of_their_file_and_never_lead_out(config: str, named: str, path: str | None) -> None:
    assert inside(config, named) == path


def test_what_is_outside_is_not_opened(tmp_path: Path) -> None:
    root, outside = tmp_path / "bundle", tmp_path / "outside"
    written(outside, {"pgie.txt": "[property]\nonnx-file\n", "a.onnx": "no network"})
    onnx = "[property]\nonnx-file={}\ngie-unique-id={}\n"
    written(root, {"a.txt": onnx.format(outside / "a.onnx", 1), "b.txt": onnx.format("../outside/a.onnx", 2)})
    (root / "linked.txt").symlink_to(outside / "pgie.txt")
    (root / "linked").symlink_to(outside)
    (root / "linked.onnx").symlink_to(outside / "a.onnx")
    read = read_bundle(root)
    assert read.files == {"a.txt", "b.txt"}
    assert not read.networks
    assert not read.unreadable


def test_an_application_has_its_elements_and_what_it_does_not_name_is_the_rest(tmp_path: Path) -> None:
    read = read_bundle(ini_bundle(tmp_path))
    (own, rest) = read.pipelines
    assert [element.config.path for element in own.inferences] == ["configs/pgie.txt", "configs/sgie.txt"]
    assert [element.config.path for element in own.preprocesses] == ["configs/preprocess.txt"]
    assert [element.config.path for element in rest.inferences] == ["triton/pgie.txt"]
    assert [element.is_secondary for element in own.inferences] == [False, True]


def test_what_the_application_says_overrides_the_file(tmp_path: Path) -> None:
    app = "[primary-gie]\nbatch-size=16\ngie-unique-id=9\nmodel-engine-file=app.engine\nconfig-file=configs/pgie.txt\n"
    read = read_bundle(written(tmp_path, {"app.txt": app, "configs/pgie.txt": PGIE}))
    (element,) = read.nvinfers
    assert (element.batch_size, element.unique_id) == (16, 9)
    assert element.place("batch-size").text == "app.txt:2"
    assert path_of(element, "model-engine-file") == "app.engine"
    assert path_of(element, "onnx-file") == "models/scrfd.onnx"


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"\0\1\2", 1), (b"[property]\n\xff\xfe=1\n", 2), (PGIE.encode("utf-16"), 1), (PGIE.encode("utf-8-sig"), 1)],
)
def test_bytes_in_a_text_file_are_one_finding(tmp_path: Path, content: bytes, line: int) -> None:
    (tmp_path / "pgie.txt").write_bytes(content)
    (finding,) = lint(read_bundle(tmp_path)).findings
    assert (finding.rule, finding.file, finding.line) == ("files.unreadable", "pgie.txt", line)


def test_a_comment_may_be_in_an_older_encoding(tmp_path: Path) -> None:
    (tmp_path / "pgie.txt").write_bytes("  # \u4eba\u8138\n".encode("gbk") + PGIE.encode())
    (tmp_path / "sgie.yml").write_bytes(b"# pr\xe9traitement\n" + YAML_SGIE.encode())
    read = read_bundle(tmp_path)
    assert [config.path for config in read.configs] == ["pgie.txt", "sgie.yml"]
    assert read.is_whole


def test_lines_without_a_word_are_read_in_no_time(tmp_path: Path) -> None:
    """Patterns that could match an end of a line in two ways took for ever for these."""
    written(tmp_path, {"pgie.txt": PGIE, "a/config.pbtxt": "\n" * 2**19, "empty.yml": " \n" * 2**18 + "x"})
    written(tmp_path, {"yaml.yml": "#\n \n" * 2**16 + "\nproperty:\n"})
    assert [config.path for config in read_bundle(tmp_path).configs] == ["pgie.txt"]


def test_other_bytes_and_large_files_are_none_of_our_business(tmp_path: Path) -> None:
    written(tmp_path, {"pgie.txt": PGIE, "large.txt": "[property]\nonnx-file\n" + "#" * 2**20})
    (tmp_path / "a.so").write_bytes(b"\x7fELF\0")
    os.mkfifo(tmp_path / "pipe.txt")
    assert [config.path for config in read_bundle(tmp_path).configs] == ["pgie.txt"]


@pytest.mark.parametrize(
    ("files", "told"),
    [({"README.md": "nothing"}, "no file in it configures"), ({f"{n}.txt": "" for n in range(4)}, "more than 3 files")],
)
def test_a_folder_that_is_no_bundle_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], told: str
) -> None:
    monkeypatch.setattr(folder_files, "_MOST_FILES", 3)
    with pytest.raises(InputError, match=told):
        read_bundle(written(tmp_path, files))


def test_a_file_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        read_bundle(tmp_path / "missing")


def test_a_file_that_two_applications_share_is_wrong_once(tmp_path: Path) -> None:
    app = "[primary-gie]\nconfig-file=pgie.txt\n"
    pgie = "[property]\nonnx-file=/a.onnx\nnetwork-type=100\n"
    written(tmp_path, {"one.txt": app, "two.txt": app, "pgie.txt": pgie})
    (finding,) = lint(read_bundle(tmp_path)).findings
    assert finding.rule == "silent.embedding_lost"
