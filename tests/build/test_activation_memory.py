from pathlib import Path

import onnx

from batchproof.build.activation_memory import peak_activation_bytes
from tests.build import tiny_graphs


def test_peak_is_the_largest_sum_of_living_tensors(tmp_path: Path) -> None:
    model = onnx.load(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    pixels = 2 * 3 * 64 * 64 * 4
    # The input and its cast live together; every later tensor is smaller than either.
    assert peak_activation_bytes(model, (2, 3, 64, 64)) == 2 * pixels


def test_peak_grows_with_the_batch(tmp_path: Path) -> None:
    model = onnx.load(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    one, eight = (peak_activation_bytes(model, (batch, 3, 64, 64)) for batch in (1, 8))
    assert eight == 8 * one


def test_the_model_is_not_changed(tmp_path: Path) -> None:
    model = onnx.load(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    before = model.SerializeToString(deterministic=True)
    peak_activation_bytes(model, (2, 3, 64, 64))
    assert model.SerializeToString(deterministic=True) == before
