"""The command line as a user meets it: a process, its two streams and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from tests.surgery.tiny_graphs import Tail, detector

REPOSITORY = Path(__file__).parents[1]
# Where writing fails for everybody, root included.
UNWRITABLE = Path("/proc/batchproof")


def batchproof(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "batchproof", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)


def embedder() -> onnx.ModelProto:
    """One 112x112 image to 64 values, by a mean over the image and a matrix."""
    weight = numpy_helper.from_array(np.ones((3, 64), np.float32), "w")
    axes = numpy_helper.from_array(np.array([2, 3]), "axes")
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["m"], keepdims=0),
        helper.make_node("MatMul", ["m", "w"], ["e"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 112, 112])
    embedding = helper.make_tensor_value_info("e", TensorProto.FLOAT, [1, 64])
    graph = helper.make_graph(nodes, "embedder", [image], [embedding], [weight, axes])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def truncated(folder: Path) -> None:
    whole = embedder().SerializeToString()
    (folder / "model.onnx").write_bytes(whole[: len(whole) // 2])


def no_face_model(folder: Path) -> None:
    model = embedder()
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 224
    onnx.save(model, folder / "model.onnx")


def nan_weights(folder: Path) -> None:
    model = embedder()
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((3, 64), np.nan, np.float32), "w"))
    onnx.save(model, folder / "model.onnx")


def empty(folder: Path) -> None:
    (folder / "README.md").write_text("no model here")


def unreadable(folder: Path) -> None:
    (folder / "model.onnx").mkdir()


def missing_keys(folder: Path) -> None:
    from batchproof.export.networks.catalogue import architecture

    state = architecture("mbf").build().state_dict()
    for key in list(state)[:5]:
        del state[key]
    torch.save(state, folder / "model.pt")


def foreign_checkpoint(folder: Path) -> None:
    torch.save({"layer.weight": torch.zeros(3)}, folder / "model.pt")


def pickle_with_code(folder: Path) -> None:
    torch.save({"state_dict": subprocess.Popen}, folder / "model.pt")


BAD_FOLDERS: list[tuple[Callable[[Path], None], str]] = [
    (truncated, "truncated"),
    (no_face_model, "no known face model"),
    (nan_weights, "NaN"),
    (empty, "holds no .onnx"),
    (unreadable, "cannot be read"),
    (missing_keys, "missing"),
    (foreign_checkpoint, "layer.weight"),
    (pickle_with_code, "model.pt"),
]


@pytest.mark.parametrize(("make", "sentence"), BAD_FOLDERS, ids=[make.__name__ for make, _ in BAD_FOLDERS])
def test_a_bad_model_is_one_line_exit_2_and_leaves_the_store_alone(
    tmp_path: Path, make: Callable[[Path], None], sentence: str
) -> None:
    models, out = tmp_path / "models", tmp_path / "out"
    models.mkdir()
    make(models)
    done = batchproof("run", "export", "--models", models, "--out", out)
    assert_one_line(done, sentence)
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--batch", "0"], "below 1"),
        (["--batch", "8,4,2"], "minimum <= optimum"),
        (["--batch", "many"], "no whole number"),
        (["--size", "640"], "no image size"),
        (["--size", "640x²"], "no image size"),
        (["--size", "99999968x32"], "no image size"),
        (["--batch", "1,2,99999999999"], "more than 4096"),
        (["--size", "600x640"], "multiple of 32"),
        (["--pack", "buffalo_l"], "non-commercial"),
        (["--pack", "../../etc"], "no pack name"),
        (["--pack", "unheard_of"], "Known packs"),
        (["--models", "/nowhere"], "cannot be listed"),
        (["--images", "/nowhere"], "/nowhere"),
        (["--policy", "/nowhere.toml"], "/nowhere.toml"),
        (["--out", str(UNWRITABLE)], "cannot be written"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    done = batchproof("run", *arguments, cwd=tmp_path)
    assert_one_line(done, sentence)
    assert not list(tmp_path.iterdir())


def assert_one_line(done: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("batchproof: error: ")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert sentence in done.stderr


def grafted_contamination(folder: Path) -> Path:
    """The embedder with the mean of all frames added from six frames on: right in every small batch."""
    model = embedder()
    graph = model.graph
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    constants = {"five": np.array(5), "zero": np.array(0), "batch_axis": np.array([0])}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    nodes = [
        helper.make_node("Shape", ["image"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["n"]),
        helper.make_node("Greater", ["n", "five"], ["many"]),
        helper.make_node("ReduceMean", ["image", "batch_axis"], ["mean"]),
        helper.make_node("Add", ["image", "mean"], ["mixed"]),
        helper.make_node("Where", ["many", "mixed", "image"], ["chosen"]),
    ]
    rest = [onnx.NodeProto.FromString(node.SerializeToString()) for node in graph.node]
    rest[0].input[0] = "chosen"
    del graph.node[:]
    graph.node.extend(nodes + rest)
    onnx.save(model, folder / "late.onnx")
    return folder / "late.onnx"


def test_contamination_that_only_large_batches_show_is_found(tmp_path: Path) -> None:
    done = batchproof("probe", grafted_contamination(tmp_path), "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"]) == (1, "fail")
    assert answer["contamination"] is None or answer["contamination"] > 0
    failed = {verdict["check"] for verdict in answer["verdicts"] if verdict["status"] == "fail"}
    assert "probe.contamination.optimised.112x112.batch_16" in failed
    assert "probe.contamination.optimised.112x112.batch_5" not in failed


@pytest.mark.parametrize(("tail", "code", "verdict"), [("kept", 0, "proven"), ("interleaved", 1, "refuted")])
def test_prove_answers_by_its_exit_code(tmp_path: Path, tail: Tail, code: int, verdict: str) -> None:
    onnx.save(detector(tail), tmp_path / "det.onnx")
    done = batchproof("prove", tmp_path / "det.onnx", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"]) == (code, verdict)
    assert (answer["node"] is None) == (verdict == "proven")
    assert answer["reason"]


def test_an_operator_that_the_proof_does_not_know_is_unknown_and_exit_code_3(tmp_path: Path) -> None:
    model = embedder()
    model.graph.node[0].domain = "acme"
    model.opset_import.append(helper.make_opsetid("acme", 1))
    onnx.save(model, tmp_path / "custom.onnx")
    done = batchproof("prove", tmp_path / "custom.onnx", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"]) == (3, "unknown")
    assert "ReduceMean" in answer["reason"]


def test_parity_with_an_original_of_another_family_is_refused(tmp_path: Path) -> None:
    onnx.save(embedder(), tmp_path / "rec.onnx")
    onnx.save(detector("interleaved"), tmp_path / "det.onnx")
    done = batchproof("parity", tmp_path / "rec.onnx", "--against", tmp_path / "det.onnx")
    assert_one_line(done, "is of the family scrfd")


def test_a_graph_that_cannot_be_repaired_is_exit_code_1_and_writes_nothing(tmp_path: Path) -> None:
    onnx.save(detector("interleaved"), tmp_path / "det.onnx")
    model = onnx.load(tmp_path / "det.onnx")
    model.graph.node[0].domain = "acme"
    model.opset_import.append(helper.make_opsetid("acme", 1))
    onnx.save(model, tmp_path / "custom.onnx")
    done = batchproof("surgery", tmp_path / "custom.onnx", "-o", tmp_path / "out.onnx")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.onnx").exists()


def test_one_bad_model_does_not_keep_the_others_from_their_verdicts(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    onnx.save(embedder(), models / "good.onnx")
    bad = embedder()
    bad.graph.node[0].domain = "acme"
    bad.opset_import.append(helper.make_opsetid("acme", 1))
    onnx.save(bad, models / "bad.onnx")
    done = batchproof("run", "surgery", "--models", models, "--out", tmp_path / "out", "--json")
    statuses = {(verdict["subject"], verdict["status"]) for verdict in json.loads(done.stdout)["verdicts"]}
    assert done.returncode == 1
    assert {("good.fp32", "pass"), ("good.fp16", "pass"), ("bad.fp32", "fail"), ("bad.fp16", "not_run")} <= statuses
    assert ("good.fp32", "fail") not in statuses


def test_build_judges_by_the_graph_s_own_precision(tmp_path: Path) -> None:
    onnx.save(embedder(), tmp_path / "rec.onnx")
    assert_one_line(batchproof("build", tmp_path / "rec.onnx", "--precision", "fp16", "-o", tmp_path), "is typed fp32")


def test_an_unknown_option_is_a_usage_error() -> None:
    done = batchproof("run", "--fast")
    assert done.returncode == 2
    assert "No such option" in done.stderr


def test_an_error_under_json_is_one_document(tmp_path: Path) -> None:
    done = batchproof("run", "--models", tmp_path, "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["exit_code"]) == (2, 2)
    assert "no .onnx" in json.loads(done.stdout)["error"]


def test_help_teaches_every_verb_without_heavy_imports() -> None:
    code = (
        "import sys, runpy; sys.argv = ['batchproof', '--help']\n"
        "try: runpy.run_module('batchproof', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'tensorrt', 'tensorrt_rtx', 'cv2', 'insightface', 'polygraphy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for verb in ("run", "export", "surgery", "build", "prove", "probe", "parity", "report", "doctor"):
        assert verb in done.stdout


def test_the_version_is_shown() -> None:
    assert batchproof("--version").stdout.strip()[0].isdigit()


def test_doctor_gives_one_json_document() -> None:
    done = batchproof("doctor", "--json")
    assert done.returncode == 0
    assert {"subject", "status", "detail", "remedy"} <= set(json.loads(done.stdout)["findings"][0])


@pytest.mark.parametrize("arguments", [["--bogus"], [], ["--opset", "12"]])
def test_a_command_that_is_not_understood_is_one_document_too(arguments: list[str]) -> None:
    done = batchproof("surgery", "apply", *arguments, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["exit_code"] == 2


def test_hidden_files_are_no_models(tmp_path: Path) -> None:
    """A command that is killed while it writes leaves one."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / ".model.x7.onnx").touch()
    onnx.save(embedder(), tmp_path / "models" / "model.onnx")
    done = batchproof("run", "export", "--models", tmp_path / "models", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr


def test_a_graph_in_half_is_not_halved_again(tmp_path: Path) -> None:
    onnx.save(detector(), tmp_path / "det.onnx")
    first = batchproof("surgery", tmp_path / "det.onnx", "-o", tmp_path / "half.onnx", "--fp16")
    assert first.returncode == 0, first.stdout
    again = batchproof("surgery", tmp_path / "half.onnx", "-o", tmp_path / "again.onnx", "--fp16")
    assert (again.returncode, len(again.stderr.splitlines())) == (1, 1)
    assert "has weights in half already" in again.stderr
