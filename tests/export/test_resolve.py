from __future__ import annotations

import shutil
from pathlib import Path

import onnx
import pytest

from batchproof.errors import InputError
from batchproof.export.resolve import directory_pack, named_pack, resolve_file
from batchproof.zoo.pack import DEMO, PUBLISHED_PACKS, OnnxSource
from tests.surgery.tiny_graphs import detector, embedder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "my models"
    folder.mkdir()
    onnx.save(detector("interleaved"), folder / "det.onnx")
    onnx.save(embedder(), folder / "rec.ONNX")
    (folder / "README.md").write_text("not a model")
    return folder


def test_a_folder_becomes_a_pack_of_its_models(models: Path) -> None:
    pack = directory_pack(models)
    assert pack.name == "my_models"
    assert [(model.name, model.spec.family) for model in pack.models] == [("det", "scrfd"), ("rec", "arcface")]
    assert all(isinstance(model.source, OnnxSource) for model in pack.models)


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [("a.onnx", "a.ONNX", ["a.ONNX", "a.onnx"]), ("a b.onnx", "c.onnx", ["a_b", "c"])],
)
def test_names_are_distinct_and_safe(models: Path, first: str, second: str, names: list[str]) -> None:
    for path, name in zip(sorted(models.glob("*.[oO]*")), (first, second), strict=True):
        path.rename(models / name)
    assert [model.name for model in directory_pack(models).models] == names


def test_two_names_that_become_one_are_refused(models: Path) -> None:
    for name in ("a b.onnx", "a?b.onnx", "a!b.onnx.onnx"):
        shutil.copy(models / "det.onnx", models / name)
    with pytest.raises(InputError, match="like another"):
        directory_pack(models)


def test_a_name_of_which_nothing_is_left_is_refused(models: Path) -> None:
    (models / "det.onnx").rename(models / "-.onnx")
    with pytest.raises(InputError, match="leaves nothing"):
        directory_pack(models)


@pytest.mark.parametrize("name", ["demo", "buffalo_l"])
def test_a_folder_named_like_a_pack_needs_a_name_of_its_own(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    onnx.save(embedder(), folder / "rec.onnx")
    with pytest.raises(InputError, match="--pack NAME"):
        directory_pack(folder)
    assert directory_pack(folder, "mine").name == "mine"


def test_the_demo_pack_needs_no_file() -> None:
    assert named_pack("demo") is DEMO


@pytest.mark.parametrize("nested", [False, True])
def test_a_pack_of_the_cache_is_found_also_where_its_archive_nests(tmp_path: Path, nested: bool) -> None:
    folder = tmp_path / "antelopev2" / ("antelopev2" if nested else "")
    folder.mkdir(parents=True)
    onnx.save(detector("interleaved"), folder / "scrfd_10g_bnkps.onnx")
    pack = named_pack("antelopev2", tmp_path)
    assert (pack.name, [model.name for model in pack.models]) == ("antelopev2", ["scrfd_10g_bnkps"])


@pytest.mark.parametrize("name", sorted(PUBLISHED_PACKS))
def test_a_missing_pack_says_how_to_get_it_and_under_which_licence(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"Unpack {name}\.zip .*non-commercial research only"):
        named_pack(name, tmp_path)


def test_an_unknown_pack_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Known packs: demo, buffalo_l"):
        named_pack("raccoon_s", tmp_path)


def test_a_published_file_is_known_by_its_hash_under_any_name(tmp_path: Path, test_data: Path) -> None:
    copy = tmp_path / "renamed.onnx"
    shutil.copy(test_data / "models" / "det_2.5g.onnx", copy)
    model = resolve_file(copy)
    assert "the published det_2.5g.onnx" in model.reason
    assert "non-commercial" in model.licence
