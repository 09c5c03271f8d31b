"""The export verb as a user meets it; its sources and options are tested where they are."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
import torch

from batchproof.export.seeded import seeded
from batchproof.policy import DEFAULT_POLICY
from tests.surgery.tiny_graphs import detector
from tests.test_cli import batchproof


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pt"
    torch.save(seeded("mobilefacenet_112", 0).state_dict(), path)
    return path


def test_a_checkpoint_becomes_a_graph_for_camera_frames(checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "raw.onnx"
    options = ("--raw", "uint8,NHWC,BGR", "--opset", "18", "--unit-embedding")
    done = batchproof("export", checkpoint, "-o", output, *options, "--json")
    assert done.returncode == 0, done.stderr
    checks = {verdict["check"]: verdict["figure"] for verdict in json.loads(done.stdout)["verdicts"]}
    assert checks["surgery.raw_equals_blob.unoptimised"] <= 1e-5
    model = onnx.load(output)
    assert model.opset_import[0].version == 18
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert batchproof("prove", output).returncode == 0


@pytest.mark.parametrize("option", [("--raw", "uint8,NHWC,BGR"), ("--opset", "18"), ("--unit-embedding",)])
def test_an_onnx_file_is_taken_over_or_refused(option: tuple[str, ...], tmp_path: Path) -> None:
    source, output = tmp_path / "det.onnx", tmp_path / "out.onnx"
    onnx.save(detector(), source)
    done = batchproof("export", source, "-o", output, *option)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "an ONNX file is taken over as it is" in done.stderr
    assert not output.exists()


def test_the_policy_that_was_given_judges_all_of_it(checkpoint: Path, tmp_path: Path) -> None:
    text, policy, output = DEFAULT_POLICY.read_text(encoding="utf-8"), tmp_path / "policy.toml", tmp_path / "out.onnx"
    assert "\nparity = 1e-4" in text
    generous = text.replace("\nparity = 1e-4", "\nparity = 0.25").replace(
        "single_max_abs = 1e-5", "single_max_abs = 0.5"
    )
    policy.write_text(generous)
    export = ("export", checkpoint, "-o", output, "--raw", "uint8,NHWC,BGR", "--json", "--policy", policy)
    found = json.loads(batchproof(*export).stdout)["verdicts"]
    assert [verdict["threshold"] for verdict in found] == [0.25, 0.5, 0.5]
    policy.write_text(text.replace("\nparity = 1e-4", "\nparity = 0"))
    output.unlink()
    done = batchproof(*export)
    assert (done.returncode, json.loads(done.stdout)["verdicts"][0]["status"]) == (1, "fail")
    assert not output.exists()


def test_weights_come_out_of_an_onnx_file(checkpoint: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.onnx", tmp_path / "second.onnx"
    assert batchproof("export", checkpoint, "-o", first).returncode == 0
    done = batchproof("export", first, "-o", second, "--recover", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    checks = {verdict["check"]: verdict["status"] for verdict in json.loads(done.stdout)["verdicts"]}
    assert checks == {"export.recovered.relative": "pass", "export.parity": "pass"}
