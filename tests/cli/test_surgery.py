"""The verbs of surgery as a user meets them; the models are small, and one of them overflows in half precision."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from batchproof.policy import DEFAULT_POLICY
from tests.surgery.fp16.half_chains import chain, rescaled
from tests.surgery.tiny_graphs import detector, graph, node, weights
from tests.test_cli import batchproof


@pytest.fixture
def overflowing(tmp_path: Path) -> Path:
    """Three of fourteen nodes cannot be in half."""
    path = tmp_path / "chain.onnx"
    onnx.save(rescaled(chain(), "conv2", "conv3", 20), path)
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The committed one, but for a network so small that three nodes are a fifth of it."""
    path = tmp_path / "policy.toml"
    path.write_text(DEFAULT_POLICY.read_text(encoding="utf-8").replace("half_share = 0.9", "half_share = 0.7"))
    return path


def test_a_graph_that_overflows_in_half_is_not_written(overflowing: Path, tmp_path: Path) -> None:
    done = batchproof("surgery", overflowing, "-o", tmp_path / "half.onnx", "--fp16")
    assert done.returncode == 1
    assert "fail    surgery.largest_activation" in done.stdout
    assert not (tmp_path / "half.onnx").exists()


def test_a_plan_is_found_written_and_replayed(overflowing: Path, policy: Path, tmp_path: Path) -> None:
    plan, half = tmp_path / "plan.json", tmp_path / "half.onnx"
    found = batchproof("surgery", "plan", overflowing, "-o", plan, "--policy", policy, "--json")
    assert found.returncode == 0, found.stderr
    assert [kept["node"] for kept in json.loads(found.stdout)["kept"]] == ["conv2", "relu2", "conv3"]
    contents = []
    for _ in range(2):
        done = batchproof("surgery", overflowing, "-o", half, "--fp16", "--plan", plan, "--policy", policy)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "surgery.unplanned_float_nodes 0 (limit 0)" in done.stdout
        contents.append(half.read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("verb", ["apply", "plan"])
def test_a_size_that_the_model_cannot_take_is_a_usage_error(verb: str, tmp_path: Path) -> None:
    onnx.save(detector("kept", image=(1, 3, "H", "W")), tmp_path / "det.onnx")
    done = batchproof("surgery", verb, tmp_path / "det.onnx", "-o", tmp_path / "out", "--size", "33x64")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "image size 33x64 is no multiple of 32" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_plan_for_people(overflowing: Path, policy: Path, tmp_path: Path) -> None:
    done = batchproof("surgery", "plan", overflowing, "-o", tmp_path / "plan.json", "--policy", policy)
    assert "Conv 'conv2': 'c2' reaches" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("output: ")


def test_a_plan_that_the_policy_does_not_allow_is_not_written(overflowing: Path, tmp_path: Path) -> None:
    done = batchproof("surgery", "plan", overflowing, "-o", tmp_path / "plan.json")
    assert done.returncode == 1
    assert "no plan with fewer than 3 of 14 nodes in FP32" in done.stderr
    assert not (tmp_path / "plan.json").exists()


def test_a_plan_for_another_graph_is_refused(overflowing: Path, policy: Path, tmp_path: Path) -> None:
    plan, other = tmp_path / "plan.json", tmp_path / "other.onnx"
    batchproof("surgery", "plan", overflowing, "-o", plan, "--policy", policy)
    onnx.save(chain(), other)
    done = batchproof("surgery", other, "-o", tmp_path / "half.onnx", "--fp16", "--plan", plan)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "this precision plan belongs to the FP32 graph" in done.stderr
    assert not (tmp_path / "half.onnx").exists()


def test_a_plan_without_fp16_is_refused(overflowing: Path, tmp_path: Path) -> None:
    done = batchproof("surgery", overflowing, "-o", tmp_path / "o.onnx", "--plan", tmp_path / "plan.json")
    assert done.returncode == 2
    assert "Add --fp16" in done.stderr


def test_what_the_proof_cannot_decide_is_written_only_when_asked_for(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["image", "w"], "x", strides=[28, 28]),
        node("Flatten", ["x"], "rows"),
        node("Gelu", ["rows"], "out", domain="com.microsoft"),
    ]
    model = graph(nodes, {"out": [1, 256]}, {"w": weights((16, 3, 28, 28))}, image=(1, 3, 112, 112))
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    source, output = tmp_path / "gelu.onnx", tmp_path / "out.onnx"
    onnx.save(model, source)
    assert batchproof("surgery", source, "-o", output).returncode == 3
    assert not output.exists()
    assert batchproof("surgery", source, "-o", output, "--unproven").returncode == 0
    assert output.exists()


def test_pixels_of_a_camera_go_straight_into_the_graph(tmp_path: Path) -> None:
    source, output = tmp_path / "det.onnx", tmp_path / "raw.onnx"
    onnx.save(detector(), source)
    done = batchproof("surgery", source, "-o", output, "--raw", "uint8,NHWC,BGR", "--opset", "17", "--fp16")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "surgery.raw_equals_blob.optimised 0 " in done.stdout
    model = onnx.load(output)
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert model.opset_import[0].version == 17
    assert batchproof("prove", output).returncode == 0


def test_a_run_replays_the_plans_of_a_folder(overflowing: Path, policy: Path, tmp_path: Path) -> None:
    plans, models = tmp_path / "plans", tmp_path / "models"
    plans.mkdir()
    models.mkdir()
    overflowing.rename(models / "chain.onnx")
    run = ("run", "surgery", "--models", models, "--out", tmp_path / "out", "--policy", policy)
    assert batchproof(*run).returncode == 1
    missing = batchproof(*run, "--plans", plans)
    assert (missing.returncode, "holds no precision plan of this pack. Name them chain.json" in missing.stderr) == (
        2,
        True,
    )
    batchproof("surgery", "plan", models / "chain.onnx", "-o", plans / "chain.json", "--policy", policy)
    assert batchproof(*run, "--plans", plans).returncode == 0
    assert "unchanged" in batchproof(*run, "--plans", plans).stderr
    assert batchproof(*run).returncode == 1


def test_an_explanation_can_be_about_another_opset(tmp_path: Path) -> None:
    onnx.save(detector(), tmp_path / "det.onnx")
    done = batchproof("surgery", "explain", tmp_path / "det.onnx", "--opset", "17")
    assert done.returncode == 0, done.stderr
    assert "UpgradeOpset, tiny: was in opset 11, is now in 17" in done.stdout
