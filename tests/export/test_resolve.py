from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import onnx
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from batchproof.errors import InputError
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.scrfd import SCRFD
from batchproof.export.resolve import configured_model, directory_pack, named_pack, recovered_model, resolve_file
from batchproof.export.seeded import seeded
from batchproof.zoo import families
from batchproof.zoo.pack import (
    DEMO,
    NO_LICENCE,
    PUBLISHED_PACKS,
    CheckpointSource,
    ConfigFile,
    ConfiguredSource,
    OnnxSource,
    RecoveredSource,
)
from tests.export.mmdet.configs import RESNET, RESNET_VARIANT, written
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


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return dict(seeded("scrfd_500m_bnkps", 0).state_dict())


def saved(path: Path, weights: dict[str, Tensor]) -> Path:
    if path.suffix == ".safetensors":
        save_file({key: tensor.contiguous() for key, tensor in weights.items()}, path)
    else:
        torch.save({"state_dict": weights}, path)
    return path


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_a_folder_may_hold_checkpoints(tmp_path: Path, weights: dict[str, Tensor], suffix: str) -> None:
    path = saved(tmp_path / f"det{suffix}", weights)
    [model] = directory_pack(tmp_path, "mine").models
    assert model.source == CheckpointSource(path, "scrfd_500m_bnkps")
    assert model.reason == "all 284 entries have the names and shapes of scrfd_500m_bnkps"


def test_a_half_precision_checkpoint_says_so(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    half = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in weights.items()}
    model = resolve_file(saved(tmp_path / "det.safetensors", half))
    assert model.reason.endswith("shapes of scrfd_500m_bnkps; stored as float16, exported as float32")


def test_a_folder_without_models_lists_the_suffixes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \.onnx, \.pt, \.pth or \.safetensors file"):
        directory_pack(tmp_path)


def test_of_an_onnx_file_the_weights_are_recovered_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "det.onnx"
    export_onnx(seeded("scrfd_500m_bnkps", 0), families.scrfd(), path, metadata={})
    model = recovered_model(path)
    assert (model.name, model.spec, model.licence) == ("det", families.scrfd(), NO_LICENCE)
    assert model.source == RecoveredSource(path, "scrfd_500m_bnkps")
    assert model.reason.endswith("pair with those of scrfd_500m_bnkps")
    assert resolve_file(path).source == OnnxSource(path)


def test_only_onnx_files_are_recovered_from(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    with pytest.raises(InputError, match=r"det\.pth: no ONNX file to recover weights from"):
        recovered_model(saved(tmp_path / "det.pth", weights))


def test_a_checkpoint_with_its_configuration_is_that_network(tmp_path: Path) -> None:
    pytest.importorskip("mmengine", reason="the extra 'mmdet' is not installed")
    config = written(tmp_path / "mine.py", RESNET)
    weights = SCRFD(RESNET_VARIANT).half().state_dict()
    checkpoint = saved(tmp_path / "epoch_640.ckpt", dict(weights))
    model = configured_model(checkpoint, config)
    assert (model.name, model.spec) == ("epoch_640", families.scrfd(keypoints=False))
    sha256 = hashlib.sha256(config.read_bytes()).hexdigest()
    assert model.source == ConfiguredSource(checkpoint, (ConfigFile(config, sha256),), repr(RESNET_VARIANT))
    assert model.reason == (
        f"all {len(weights)} entries fit the SCRFD that mine.py describes; stored as float16, exported as float32; "
        "the configuration does not say how it tests: SCRFD's own preprocessing is assumed, "
        "RGB, (pixel - 127.5) / 128.0"
    )


def test_a_recovered_published_file_keeps_its_licence(tmp_path: Path, test_data: Path) -> None:
    copy = tmp_path / "renamed.onnx"
    shutil.copy(test_data / "models" / "det_500m.onnx", copy)
    model = recovered_model(copy)
    assert model.source == RecoveredSource(copy, "scrfd_500m_bnkps")
    assert model.reason.endswith("; the published det_500m.onnx by its sha256")
    assert "non-commercial" in model.licence


def test_a_published_file_is_known_by_its_hash_under_any_name(tmp_path: Path, test_data: Path) -> None:
    copy = tmp_path / "renamed.onnx"
    shutil.copy(test_data / "models" / "det_2.5g.onnx", copy)
    model = resolve_file(copy)
    assert "the published det_2.5g.onnx" in model.reason
    assert "non-commercial" in model.licence
