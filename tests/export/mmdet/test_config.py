from __future__ import annotations

import sys
from pathlib import Path

import pytest

from batchproof.errors import InputError, MissingDependencyError
from batchproof.export.mmdet.config import read_config
from batchproof.export.networks.scrfd import Variant
from batchproof.zoo import families
from tests.export.mmdet.configs import (
    MOBILENET,
    MOBILENET_VARIANT,
    RESNET,
    RESNET_VARIANT,
    Config,
    changed,
    written,
)

pytest.importorskip("mmengine", reason="the extra 'mmdet' is not installed")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.py"


@pytest.mark.parametrize(
    ("model", "variant", "keypoints"),
    [(RESNET, RESNET_VARIANT, False), (MOBILENET, MOBILENET_VARIANT, True)],
    ids=["ResNetV1e", "MobileNetV1"],
)
def test_a_configuration_becomes_the_dataclass_of_the_published_variants(
    path: Path, model: Config, variant: Variant, keypoints: bool
) -> None:
    found = read_config(written(path, model, optimizer={"type": "SGD", "lr": 0.01}))
    assert (found.variant, found.spec) == (variant, families.scrfd(keypoints=keypoints))


def test_a_configuration_may_build_upon_another(path: Path, tmp_path: Path) -> None:
    written(tmp_path / "base.py", RESNET)
    path.write_text(
        "_base_ = './base.py'\n"
        "width = 7 * 2\n"
        "model = dict(neck=dict(out_channels=width),\n"
        "             bbox_head=dict(in_channels=width, norm_cfg=dict(_delete_=True, type='BN')))\n"
    )
    found = read_config(path)
    assert (found.variant.neck, found.variant.head.groups) == (14, None)
    assert found.variant.backbone == RESNET_VARIANT.backbone
    assert [file.path for file in found.files] == [path, tmp_path / "base.py"]


def test_a_configuration_has_the_preprocessing_that_it_tests_with(path: Path) -> None:
    step = {"type": "Normalize", "mean": [104.0] * 3, "std": [1.0] * 3, "to_rgb": False}
    found = read_config(written(path, RESNET, data={"test": {"pipeline": [step]}}))
    image = found.spec.input
    assert (image.mean, image.std, image.colour, found.remark) == (104.0, 1.0, "BGR", "")


def test_a_configuration_that_does_not_say_how_it_tests_is_remarked_upon(path: Path) -> None:
    expected = "; the configuration does not say how it tests: SCRFD's own preprocessing is assumed, "
    assert read_config(written(path, RESNET)).remark == f"{expected}RGB, (pixel - 127.5) / 128.0"


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("model.type: Input should be 'SCRFD'", {"type": "YOLOX"}),
        ("'ResNet' found using 'type' does not match", {"backbone": {"type": "ResNet", "depth": 50}}),
        ("model.backbone.ResNetV1e.depth: Input should be 0", {"backbone__depth": 50}),
        ("model.backbone.ResNetV1e.dcn: Unexpected keyword", {"backbone__dcn": {}}),
        ("stage_planes.2: Input should be greater than 0", {"backbone__block_cfg__stage_planes": [8, 12, 0, 28]}),
        ("stage_blocks.3: Field required", {"backbone__block_cfg__stage_blocks": [1, 2, 3]}),
        ("model.neck.start_level: Input should be 1", {"neck__start_level": 0}),
        ("model.bbox_head.cls_reg_share: Input should be True", {"bbox_head__cls_reg_share": False}),
        ("model.bbox_head.num_classes: Input should be 1, not 2", {"bbox_head__num_classes": 2}),
        ("base_channels: Input should be a valid integer, not '14'", {"backbone__base_channels": "14"}),
        ("base_channels: Input should be a valid integer, not 14.0", {"backbone__base_channels": 14.0}),
        ("base_channels: Input should be a valid integer, not True", {"backbone__base_channels": True}),
        ("depth: Input should be a whole number, not False", {"backbone__depth": False}),
        ("depth: Input should be a whole number, not 0.0", {"backbone__depth": 0.0}),
        ("use_kps: Input should be a valid boolean, not 1", {"bbox_head__use_kps": 1}),
        ("cls_reg_share: Input should be True or False, not 1", {"bbox_head__cls_reg_share": 1}),
        ("ratios.0: Input should be a valid number, not '1'", {"bbox_head__anchor_generator__ratios": ["1"]}),
        ("model.bbox_head.loss_dfl: Input should be False", {"bbox_head__loss_dfl": {"type": "DFL"}}),
        ("model.bbox_head.feat_mults: Unexpected keyword", {"bbox_head__feat_mults": [1, 2]}),
    ],
)
def test_what_the_networks_do_not_know_is_refused_by_name(path: Path, fault: str, change: Config) -> None:
    with pytest.raises(InputError) as error:
        read_config(written(path, changed(RESNET, **change)))
    assert error.value.line().startswith(f"{path}: configuration refused: ")
    assert fault in error.value.line()


def test_numbers_that_contradict_each_other_are_refused(path: Path) -> None:
    expected = r"model\.bbox_head\.in_channels: 10, but the neck gives 12; .*6 do not divide"
    with pytest.raises(InputError, match=expected):
        read_config(written(path, changed(RESNET, neck__out_channels=12, bbox_head__feat_channels=20)))


def test_a_file_without_a_model_is_refused(path: Path) -> None:
    path.write_text("optimizer = dict(type='SGD')")
    with pytest.raises(InputError, match="configuration refused: model: Input should be a dictionary"):
        read_config(path)


def test_what_fails_while_it_runs_is_refused(path: Path) -> None:
    path.write_text("x = 1 / 0")
    with pytest.raises(InputError, match="ZeroDivisionError: division by zero"):
        read_config(path)


def test_custom_imports_are_not_imported(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "harmful.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    read_config(written(path, RESNET, custom_imports={"imports": ["harmful"], "allow_failed_imports": False}))
    assert "harmful" not in sys.modules


def test_code_is_refused_unrun(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    path.write_text(f"import os\nos.mkdir({str(victim)!r})\n")
    with pytest.raises(InputError, match="refused: line 1 is code"):
        read_config(path)
    assert not victim.exists()


def test_without_mmengine_the_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mmengine", None)
    with pytest.raises(MissingDependencyError, match=r"mmengine is not installed.*batchproof\[mmdet\]"):
        read_config(written(path, RESNET))
