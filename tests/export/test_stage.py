from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
import torch
from typer.testing import CliRunner

from batchproof.cli.app import app
from batchproof.errors import InputError
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.scrfd import SCRFD
from batchproof.export.resolve import configured_model, recovered_model
from batchproof.export.seeded import seeded
from batchproof.export.stage import export, plan
from batchproof.policy import load_policy
from batchproof.profile import Profile
from batchproof.settings import Settings
from batchproof.verdict import Status
from batchproof.zoo import families
from batchproof.zoo.pack import Pack
from tests.export.mmdet.configs import RESNET, RESNET_VARIANT, written

NAME = "scrfd_500m_bnkps"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("original") / "det.onnx"
    export_onnx(seeded(NAME, 0), families.scrfd(), path, metadata={})
    return path


def metadata(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_a_recovered_network_is_compared_with_its_original_and_with_its_export(original: Path, tmp_path: Path) -> None:
    verdicts = export(recovered_model(original), tmp_path / "out.onnx")
    assert [(each.check, each.status) for each in verdicts] == [
        ("export.recovered", Status.PASS),
        ("export.parity", Status.PASS),
    ]
    found = metadata(tmp_path / "out.onnx")
    assert found["batchproof.architecture"] == NAME
    assert len(found["batchproof.source_sha256"]) == 64


def test_a_configured_network_depends_on_both_of_its_files(tmp_path: Path) -> None:
    pytest.importorskip("mmengine", reason="the extra 'mmdet' is not installed")
    config, checkpoint = written(tmp_path / "mine.py", RESNET), tmp_path / "mine.pth"
    torch.save(SCRFD(RESNET_VARIANT).state_dict(), checkpoint)
    model = configured_model(checkpoint, config)
    [step] = plan(Pack("mine", (model,)), Settings(Profile(), None, load_policy()))
    assert step.sources == (checkpoint, config)
    assert step.settings["architecture"] == repr(RESNET_VARIANT)
    [verdict] = export(model, tmp_path / "mine.onnx")
    assert (verdict.check, verdict.status) == ("export.parity", Status.PASS)


@pytest.mark.parametrize("options", [["--recover"], ["--config", "config.py"]])
def test_where_a_source_is_refused_nothing_is_written(
    tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.py").write_text("import os")
    Path("det.pth").write_bytes(b"no checkpoint")
    ending = CliRunner().invoke(app, ["export", "det.pth", "-o", "out.onnx", *options])
    assert isinstance(ending.exception, InputError)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.py", "det.pth"]


def test_what_the_command_line_says_of_a_recovered_file(original: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    ending = CliRunner().invoke(app, ["export", str(original), "-o", str(out), "--recover", "--json"])
    assert ending.exit_code == 0
    said = json.loads(ending.stdout)
    assert said["reason"].endswith(f"pair with those of {NAME}")
    assert out.is_file()
