from pathlib import Path

import onnx
import pytest

from batchproof.build.tensorrt.graph_types import guard_types, tensor_types
from batchproof.errors import StepFailedError
from tests.build import tiny_graphs


def types(path: Path, dtype: tiny_graphs.Type) -> dict[str, str]:
    return tensor_types(onnx.load(tiny_graphs.detector(path / "tiny.onnx", dtype=dtype)))


def test_every_tensor_of_the_graph_is_typed(tmp_path: Path) -> None:
    half = ("image", "stem", "relu", "head", "rows", "score")
    assert types(tmp_path, "fp16") == {"input": "FLOAT", "score_8": "FLOAT", **dict.fromkeys(half, "FLOAT16")}


def test_weights_are_dropped_and_shapes_are_inferred_all_the_same(tmp_path: Path) -> None:
    model = onnx.load(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    before = model.ByteSize()
    assert tensor_types(model)["score"] == "FLOAT"
    assert model.ByteSize() < before / 2


def test_a_network_of_the_types_of_its_graph_passes(tmp_path: Path) -> None:
    network = {"input": "FLOAT", "stem": "HALF", "score_8": "FLOAT", "(Unnamed Layer* 3)_output": "INT64"}
    guard_types(types(tmp_path, "fp16"), network)


@pytest.mark.parametrize(
    ("tensor", "said"),
    [("stem", "'stem' is FLOAT for HALF"), ("score_8", "'score_8' is HALF for FLOAT"), ("input", "HALF for FLOAT")],
)
def test_a_layer_or_output_of_another_type_is_named(tmp_path: Path, tensor: str, said: str) -> None:
    other = "FLOAT" if said.endswith("HALF") else "HALF"
    with pytest.raises(StepFailedError, match=f"does not keep the types of the ONNX graph: .*{said}"):
        guard_types(types(tmp_path, "fp16"), {"relu": "HALF", tensor: other})
