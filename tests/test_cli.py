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
    (empty, "no .onnx, .pt or .pth"),
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
    for verb in ("run", "export", "surgery", "build", "probe", "parity", "report", "doctor"):
        assert verb in done.stdout


def test_the_version_is_shown() -> None:
    assert batchproof("--version").stdout.strip()[0].isdigit()


def test_doctor_gives_one_json_document() -> None:
    done = batchproof("doctor", "--json")
    assert done.returncode == 0
    assert {"subject", "status", "detail", "remedy"} <= set(json.loads(done.stdout)["findings"][0])
