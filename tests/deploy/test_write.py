from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from batchproof.artifacts.hashing import content_sha256
from batchproof.deploy.deepstream.bundle import bundle_files
from batchproof.deploy.deepstream.manifest import KIND
from batchproof.deploy.write import write_bundle
from batchproof.errors import InputError, StoreError
from tests.deploy.deepstream.plans import plan

TEXTS = bundle_files(plan())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(output: Path) -> str:
    before = contents(output) if output.is_dir() else None
    with pytest.raises(InputError) as refused:
        write_bundle(KIND, output, TEXTS, {})
    assert before is None or contents(output) == before
    return refused.value.line()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(KIND, tmp_path / "bundle", TEXTS, {})
    return tmp_path / "bundle"


def test_a_bundle_is_its_texts_and_its_copies_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    source = tmp_path / "graph.onnx.copy"
    source.write_bytes(b"weights")
    copies = {"engines/det.copy": (source, content_sha256(source))}
    write_bundle(KIND, tmp_path / "new" / "bundle", TEXTS, copies)
    expected = {path: text.encode() for path, text in TEXTS.items()} | {"engines/det.copy": b"weights"}
    assert contents(tmp_path / "new" / "bundle") == expected
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["bundle"]


def test_a_bundle_has_the_permissions_of_any_new_folder(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "other").mkdir()
    assert bundle.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_an_earlier_bundle_is_replaced_but_keeps_what_was_built_in_it(bundle: Path) -> None:
    built = (
        "build/lib.so",
        "engines/det.fp16.onnx_b32_gpu0_fp16.engine",
        "triton/model_repository/det.fp16/1/model.plan",
    )
    for name in built:
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_text(name)
        os.utime(bundle / name, (1e9, 1e9))
    other = bundle_files(plan(streams=8))
    write_bundle(KIND, bundle, other, {})
    expected = {name: text.encode() for name, text in other.items()} | {name: name.encode() for name in built}
    assert contents(bundle) == expected
    assert {(bundle / name).stat().st_mtime for name in built} == {1e9}


def test_what_a_bundle_has_of_its_own_is_not_replaced_by_what_was_built(bundle: Path) -> None:
    (bundle / "engines").mkdir(exist_ok=True)
    (bundle / "engines" / "build_engines.sh").write_text("somebody's")
    write_bundle(KIND, bundle, {**TEXTS, "engines/build_engines.sh": "ours"}, {})
    assert (bundle / "engines" / "build_engines.sh").read_text() == "ours"


def test_a_link_to_a_bundle_is_followed(bundle: Path) -> None:
    link = bundle.with_name("link")
    link.symlink_to(bundle)
    write_bundle(KIND, link, TEXTS, {})
    assert link.is_symlink()
    assert set(contents(bundle)) == set(TEXTS)


def foreign_folder(output: Path) -> None:
    output.mkdir()
    (output / "thesis.tex").write_text("years of work")


def empty_folder(output: Path) -> None:
    output.mkdir()


def store_of_ours(output: Path) -> None:
    output.mkdir()
    (output / "manifest.json").write_text('{"pack": "demo", "models": {}, "records": [], "files": {}}')


def manifest_that_is_none(output: Path) -> None:
    output.mkdir()
    (output / "manifest.json").write_text("{")


def manifest_without_files(output: Path) -> None:
    output.mkdir()
    (output / "manifest.json").write_text('{"kind": "batchproof deepstream bundle"}')


def plain_file(output: Path) -> None:
    output.write_text("a file")


@pytest.mark.parametrize(
    "make", [foreign_folder, empty_folder, store_of_ours, manifest_that_is_none, manifest_without_files, plain_file]
)
def test_anything_else_is_refused_and_left_alone(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "out")
    assert "is there, and is no bundle of ours" in refusal(tmp_path / "out")


@pytest.mark.parametrize("name", ["configs/app.txt", "gallery.json", "parser/mine.cpp", "engines/build_engines.sh"])
def test_a_bundle_that_somebody_has_worked_on_is_refused(bundle: Path, name: str) -> None:
    if name.startswith("engines/"):
        shutil.rmtree(bundle)
        write_bundle(KIND, bundle, bundle_files(plan(), {name: "the script"}), {})
    (bundle / name).parent.mkdir(exist_ok=True)
    (bundle / name).write_text("work")
    assert f"holds {name}, which somebody has changed or put there" in refusal(bundle)


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    with pytest.raises(StoreError, match="cannot be written"):
        write_bundle(KIND, tmp_path / "one", TEXTS, {})


def test_a_link_in_a_bundle_is_somebodys_work(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (bundle / "build").symlink_to(tmp_path / "elsewhere")
    assert "holds build, which" in refusal(bundle)


def test_a_copy_that_is_not_what_the_store_says_is_refused(bundle: Path, tmp_path: Path) -> None:
    source = tmp_path / "graph"
    source.write_bytes(b"other weights")
    with pytest.raises(StoreError, match="is not the file that the manifest names"):
        write_bundle(KIND, tmp_path / "out", TEXTS, {"engines/graph": (source, "0" * 64)})
    with pytest.raises(StoreError, match="is missing"):
        write_bundle(KIND, tmp_path / "out", TEXTS, {"engines/graph": (tmp_path / "nothing", "0" * 64)})
    assert not (tmp_path / "out").exists()


def full_disk(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("operation", ["write_bytes", "rename"])
def test_a_full_disk_leaves_what_was_there(bundle: Path, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    (bundle / "build").mkdir()
    (bundle / "build" / "lib.so").write_text("built")
    before = contents(bundle)
    monkeypatch.setattr(Path, operation, full_disk)
    with pytest.raises(StoreError, match="No space left on device"):
        write_bundle(KIND, bundle, bundle_files(plan(heads=())), {})
    monkeypatch.undo()
    assert contents(bundle) == before
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def test_a_bundle_that_cannot_take_its_place_gives_it_back(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, rename = contents(bundle), Path.rename

    def refusing_the_new(self: Path, goal: Path) -> Path:
        return full_disk() if self.name == "new" else rename(self, goal)

    monkeypatch.setattr(Path, "rename", refusing_the_new)
    with pytest.raises(StoreError, match="No space left"):
        write_bundle(KIND, bundle, bundle_files(plan(heads=())), {})
    assert contents(bundle) == before
