from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from typer.testing import CliRunner

from batchproof.artifacts.step import Step, Workspace
from batchproof.cli.app import app
from batchproof.errors import InputError
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.scrfd import SCRFD
from batchproof.export.resolve import configured_model, recovered_model, resolve_file
from batchproof.export.seeded import seeded
from batchproof.export.stage import export, plan
from batchproof.policy import ExportLimits, load_policy
from batchproof.profile_choice import ProfileChoice
from batchproof.settings import Settings
from batchproof.verdict import Status
from batchproof.zoo import families
from batchproof.zoo.pack import Pack, PackModel
from tests.export.mmdet.configs import RESNET, RESNET_VARIANT, written

LIMITS = load_policy().export
NAME = "scrfd_500m_bnkps"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("original") / "det.onnx"
    export_onnx(seeded(NAME, 0), families.scrfd(), path, metadata={})
    return path


def metadata(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_a_recovered_network_is_compared_with_its_original_and_with_its_export(original: Path, tmp_path: Path) -> None:
    verdicts = export(recovered_model(original), tmp_path / "out.onnx", LIMITS)
    assert [(each.check, each.status) for each in verdicts] == [
        ("export.recovered.score", Status.PASS),
        ("export.recovered.tenfold_score", Status.PASS),
        ("export.recovered.relative", Status.PASS),
        ("export.parity", Status.PASS),
    ]
    found = metadata(tmp_path / "out.onnx")
    assert found["batchproof.architecture"] == NAME
    assert len(found["batchproof.source_sha256"]) == 64


def test_a_configured_network_depends_on_all_of_its_files(tmp_path: Path) -> None:
    pytest.importorskip("mmengine", reason="the extra 'mmdet' is not installed")
    base, config, checkpoint = written(tmp_path / "base.py", RESNET), tmp_path / "mine.py", tmp_path / "mine.pth"
    config.write_text("_base_ = 'base.py'\n")
    torch.save(SCRFD(RESNET_VARIANT).state_dict(), checkpoint)
    model = configured_model(checkpoint, config)
    [step] = plan(Pack("mine", (model,)), Settings(ProfileChoice(), None, load_policy()))
    assert step.sources == (checkpoint, config, base)
    assert step.settings["architecture"] == repr(RESNET_VARIANT)
    [verdict] = export(model, tmp_path / "mine.onnx", LIMITS)
    assert (verdict.check, verdict.status) == ("export.parity", Status.PASS)


def steps(limits: ExportLimits, *models: PackModel) -> list[Step]:
    policy = replace(load_policy(), export=limits)
    return plan(Pack("mine", models), Settings(ProfileChoice(), None, policy))


def test_other_limits_judge_networks_again_and_leave_onnx_files_alone(original: Path) -> None:
    models = recovered_model(original), resolve_file(original)
    before, after = steps(LIMITS, *models), steps(replace(LIMITS, recovered_score=0.5), *models)
    assert [one.settings == other.settings for one, other in zip(before, after, strict=True)] == [False, True]


def test_the_policy_of_the_settings_judges(original: Path, tmp_path: Path) -> None:
    [step] = steps(replace(LIMITS, recovered_relative=0.5, parity=0.5), recovered_model(original))
    verdicts = step.action(Workspace((), step.sources, (tmp_path / "out.onnx",))).verdicts
    assert {each.check: (each.status, each.threshold) for each in verdicts} == {
        "export.recovered.score": (Status.PASS, LIMITS.recovered_score),
        "export.recovered.tenfold_score": (Status.PASS, LIMITS.recovered_tenfold_score),
        "export.recovered.relative": (Status.PASS, 0.5),
        "export.parity": (Status.PASS, 0.5),
    }


def test_a_network_that_is_not_its_original_is_compared_with_nothing_else(original: Path, tmp_path: Path) -> None:
    *recovered, parity = export(recovered_model(original), tmp_path / "out.onnx", replace(LIMITS, recovered_score=0.0))
    assert [each.status for each in recovered] == [Status.FAIL, Status.PASS, Status.PASS]
    assert (parity.check, parity.status, parity.figure) == ("export.parity", Status.NOT_RUN, None)


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
