from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.errors import InputError
from batchproof.export.mmdet.evaluated import evaluated
from batchproof.export.mmdet.literal import read_plain
from tests.export.mmdet.configs import MOBILENET, RESNET, written

mmengine = pytest.importorskip("mmengine", reason="the extra 'mmdet' is not installed")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration upon two bases in other folders, one of which has a base itself."""
    (tmp_path / "_base_" / "deep").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    written(tmp_path / "_base_" / "model.py", RESNET)
    (tmp_path / "_base_" / "deep" / "run.py").write_text("lr = 0.1\nsteps = dict(warm=[1, 2], rest=3)\n", "utf-8")
    (tmp_path / "_base_" / "run.py").write_text("_base_ = 'deep/run.py'\nsteps = dict(warm=[4], more={'a': None})\n")
    path = tmp_path / "mine" / "config.py"
    path.write_text(
        '"""Mine: größer."""\n'
        "_base_ = ['../_base_/model.py', '../_base_/run.py']  # two\n"
        "width = 7 * 2 - -1 // 2\n"
        "model = dict(neck=dict(out_channels=width), bbox_head=dict(norm_cfg=dict(_delete_=True, type='BN')))\n"
        "words = 'ü\"\\'\\n' + \"x\"\n"
        "odd = (1e400, -0.0, not True, 1_000, 0x10, b'\\xff', ..., (2,), ())\n",
        encoding="utf-8",
    )
    return path


def test_what_mmengine_reads_is_what_it_reads_from_the_files_themselves(path: Path) -> None:
    assert evaluated(read_plain(path)) == mmengine.Config.fromfile(path).to_dict()


@pytest.mark.parametrize("model", [RESNET, MOBILENET], ids=["ResNetV1e", "MobileNetV1"])
def test_a_model_is_read_as_it_was_written(tmp_path: Path, model: dict[str, object]) -> None:
    assert evaluated(read_plain(written(tmp_path / "config.py", model)))["model"] == model


def test_files_that_change_after_the_check_change_nothing(path: Path, tmp_path: Path) -> None:
    expected, plain = evaluated(read_plain(path)), read_plain(path)
    for file in tmp_path.rglob("*.py"):
        file.write_text(f"import os\nos.mkdir({str(tmp_path / 'victim')!r})\n")
    assert evaluated(plain) == expected
    assert not (tmp_path / "victim").exists()


def test_what_mmengine_cannot_merge_is_refused_by_the_name_of_the_users_file(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("x = 1")
    (tmp_path / "config.py").write_text("_base_ = 'base.py'\nx = dict(y=1)")
    with pytest.raises(
        InputError, match=r"config\.py: mmengine cannot read it \(TypeError: .*cannot inherit from base"
    ):
        evaluated(read_plain(tmp_path / "config.py"))
