"""What becomes of files and graphs that are wrong: each is told in one line, and none is repaired in silence."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from batchproof.artifacts import onnx_file
from batchproof.artifacts.hashing import content_sha256
from batchproof.cli import main
from batchproof.errors import InputError
from batchproof.surgery.repair import explain, repair
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from batchproof.zoo.recognise import recognise
from tests.broken.files import FILES
from tests.broken.graphs import GRAPHS, sound
from tests.surgery.tiny_graphs import graph, node

WRONG_FILES = {
    "truncated": "not an ONNX file, or a truncated one",
    "overwritten": "not an ONNX file, or a truncated one",
    "web_page": "not an ONNX file, or a truncated one",
    "git_lfs_pointer": "not an ONNX file, or a truncated one",
    "empty": "holds no ONNX graph",
    "data_missing": r"'weights\.bin' is missing",
    "data_too_short": r"exceeds available data .* for tensor 'w'",
    "data_beside_the_folder": r"'\.\./secret\.bin' lies outside its folder",
    "data_at_an_absolute_path": "'/etc/passwd' lies outside its folder",
    "data_behind_a_link": "lies outside its folder",
    "data_behind_a_linked_folder": "lies outside its folder",
    "data_of_no_name": "'' is missing",
    "data_offset_beyond_the_end": "exceeds file size .* for tensor 'w'",
    "data_offset_negative": "says wrongly where its external data is .* tensor 'w'",
    "data_of_a_function": "'/etc/passwd' lies outside its folder",
    "data_of_a_sparse_weight": "'/etc/passwd' lies outside its folder",
}
REFUSED_AS_ONNX = {
    "cyclic": "topologically sorted.*'b' of node: name: Add_x",
    "out_of_order": "topologically sorted.*'a' of node: name: Relu_x",
    "undeclared_domain": "No opset import for domain 'my.ops'.*Plain_x",
    "unknown_operator": "No Op registered for Sharpen.*Sharpen_x",
    "future_opset": "is in opset 9999, the installed onnx",
    "two_opsets": "imports the standard operators in opsets 11 and 17",
    "no_nodes": "its graph has no nodes",
    "same_tensor_twice": "'x' has been used as output names multiple times",
    "same_weight_twice": "w initializer name is not unique",
    "output_from_nowhere": "'nothing' is not an output of any node",
    "input_of_no_shape": "'shape' of 'type' is required",
}
REFUSED_AS_FACE_MODELS = {
    "batch_last": r"input 'image' is \[3, 112, 112, \?\], expected \[N, 3, H, W\]",
    "batch_last_undeclared": r"input 'image' \[\?, \?, \?, \?\]",
    "channels_last": r"input 'image' is \[\?, 112, 112, 3\], expected \[N, 3, H, W\]",
    "two_inputs": "2 inputs where one image is expected",
    "no_inputs": "0 inputs where one image is expected",
    "output_is_input": r"2 output\(s\)",
    "output_is_weight": r"2 output\(s\)",
    "no_outputs": r"0 output\(s\)",
    "sparse_weights": "weight 'w' is sparse",
}
NOT_FINITE = {
    "nan_weights": ["w"],
    "infinite_weights": ["w"],
    "nan_in_constant_node": ["bad"],
    "nan_in_function": ["factor"],
}
# What is repaired all the same, and what the proof says then.
REPAIRED = {
    "unknown_domain": (Status.UNKNOWN, "domain 'my.ops'"),
    "opset_5": (Status.UNKNOWN, "opset"),
    "same_node_name_twice": (Status.PROVEN, "every batch size"),
}
NOT_PROVEN = ("batch_last", "batch_last_undeclared", "no_inputs", "no_outputs", "output_is_weight", "unknown_domain")
VERBS = (["prove"], ["surgery", "explain"], ["surgery", "apply"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of which the one above is free too."""
    inner = tmp_path / "inner"
    inner.mkdir()
    return inner


def _written(folder: Path, model: onnx.ModelProto) -> Path:
    path = folder / "broken.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def _run(verb: list[str], path: Path, monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    output = ["-o", str(path.with_name("out.onnx"))] if verb[-1] == "apply" else []
    monkeypatch.setattr(sys, "argv", ["batchproof", *verb, str(path), *output])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_every_broken_thing_is_expected_somewhere() -> None:
    assert set(WRONG_FILES) == set(FILES)
    assert sorted([*REFUSED_AS_ONNX, *REFUSED_AS_FACE_MODELS, *NOT_FINITE, *REPAIRED]) == sorted(GRAPHS)


def test_without_their_fault_they_are_sound(folder: Path) -> None:
    model = onnx_file.read(_written(folder, sound()))
    assert repair(model, recognise(model)).proof.status is Status.PROVEN


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_refused(name: str, folder: Path) -> None:
    with pytest.raises(InputError, match=rf"broken\.onnx: .*{WRONG_FILES[name]}"):
        onnx_file.read(FILES[name](folder))


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("data_")])
def test_what_lies_elsewhere_is_not_hashed_either(name: str, folder: Path) -> None:
    path = FILES[name](folder)
    if "outside" in WRONG_FILES[name] or "wrongly" in WRONG_FILES[name]:
        with pytest.raises(InputError, match=WRONG_FILES[name]):
            content_sha256(path)


@pytest.mark.parametrize("name", REFUSED_AS_ONNX)
def test_what_is_no_valid_onnx_is_refused(name: str, folder: Path) -> None:
    with pytest.raises(InputError, match=rf"broken\.onnx: .*{REFUSED_AS_ONNX[name]}"):
        onnx_file.read(_written(folder, GRAPHS[name]()))


@pytest.mark.parametrize("name", REFUSED_AS_FACE_MODELS)
def test_what_is_no_face_model_is_refused_with_what_was_found(name: str, folder: Path) -> None:
    path = _written(folder, GRAPHS[name]())
    with pytest.raises(InputError, match=rf"broken\.onnx: .*{REFUSED_AS_FACE_MODELS[name]}"):
        recognise(onnx_file.read(path), path)


@pytest.mark.parametrize("name", GRAPHS)
def test_weights_that_are_no_numbers_are_named_wherever_they_are(name: str) -> None:
    assert onnx_file.non_finite_weights(GRAPHS[name]()) == NOT_FINITE.get(name, [])


def test_an_infinite_bound_is_no_fault() -> None:
    nodes = [node("Max", ["image", "lowest"], "out")]
    model = graph(nodes, {"out": [1]}, {"lowest": np.array(-np.inf, np.float32)})
    assert onnx_file.non_finite_weights(model) == []


@pytest.mark.parametrize("name", REPAIRED)
def test_what_is_odd_but_usable_is_repaired_and_judged(name: str, folder: Path) -> None:
    model = onnx_file.read(_written(folder, GRAPHS[name]()))
    status, reason = REPAIRED[name]
    proof = repair(model, recognise(model)).proof
    assert proof.status is status
    assert reason in proof.reason
    assert reason in explain(model, recognise(model))[-1].reasons[-1].sentence


@pytest.mark.parametrize("name", GRAPHS)
def test_the_proof_takes_any_graph_and_proves_none_that_it_should_not(name: str) -> None:
    proof = prove(GRAPHS[name]())
    assert proof.reason
    if name in (*NOT_PROVEN, "cyclic", "out_of_order", "two_opsets", "same_tensor_twice", "output_from_nowhere"):
        assert proof.status is not Status.PROVEN, proof


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize("name", ["truncated", "data_beside_the_folder", "data_offset_negative"])
def test_every_verb_says_it_in_one_line(
    verb: list[str], name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(verb, FILES[name](folder), monkeypatch) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("batchproof: error: ")
    assert written.err.count("\n") == 1


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize("name", REFUSED_AS_ONNX)
def test_every_verb_refuses_what_is_no_onnx(
    verb: list[str], name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(verb, _written(folder, GRAPHS[name]()), monkeypatch) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (folder / "out.onnx").exists()


@pytest.mark.parametrize("name", ["nan_weights", "nan_in_constant_node", "unknown_domain"])
def test_nothing_is_written_for_a_graph_that_does_not_compute(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(["surgery", "apply"], _written(folder, GRAPHS[name]()), monkeypatch) == 1
    assert not (folder / "out.onnx").exists()
