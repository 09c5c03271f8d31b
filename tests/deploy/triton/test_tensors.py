from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from batchproof.deploy.triton.tensors import NetworkTensors, graph_tensors, promised_tensors
from batchproof.errors import StoreError
from batchproof.profile import EngineProfiles
from batchproof.zoo import families
from tests.pipeline.tiny_scrfd import tiny_scrfd

SPEC = families.scrfd()


def promised(profiles: str = "1,4,8@64x96") -> NetworkTensors:
    return promised_tensors(SPEC, EngineProfiles.parse(profiles))


def graph(folder: Path) -> onnx.ModelProto:
    return onnx.load(tiny_scrfd(folder / "det.onnx"))


def test_images_have_the_size_of_the_profile_and_outputs_what_the_graph_says(tmp_path: Path) -> None:
    assert promised().outputs[0].dims == (2 * 8 * 12, 1)
    found = graph_tensors(graph(tmp_path), promised(), tmp_path)
    assert (found.input.dims, found.outputs[0].dims) == ((3, 64, 96), (-1, 1))
    ranged = graph_tensors(graph(tmp_path), promised("1,4,8@64x64,64x96,96x96"), tmp_path)
    assert (ranged.input.dims, ranged.outputs[0].dims) == ((3, -1, -1), (-1, 1))


def test_rows_that_the_graph_fixes_are_told_and_must_be_those_of_the_size(tmp_path: Path) -> None:
    model = graph(tmp_path)
    rows = model.graph.output[0].type.tensor_type.shape.dim[1]
    rows.dim_value = 2 * 8 * 12
    assert graph_tensors(model, promised(), tmp_path).outputs[0].dims == (2 * 8 * 12, 1)
    rows.dim_value += 1
    with pytest.raises(StoreError, match="expected 'score_8'"):
        graph_tensors(model, promised(), tmp_path)


def test_rows_that_follow_from_a_fixed_size_are_told_too(tmp_path: Path) -> None:
    model = graph(tmp_path)
    _, _, height, width = model.graph.input[0].type.tensor_type.shape.dim
    height.dim_value, width.dim_value = 64, 96
    assert not model.graph.output[0].type.tensor_type.shape.dim[1].HasField("dim_value")
    assert graph_tensors(model, promised(), tmp_path).outputs[0].dims == (2 * 8 * 12, 1)


def fixed_batch(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def flat_output(model: onnx.ModelProto) -> None:
    """Frames one below the other, as the published SCRFDs have them."""
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 12800


def another_size(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 640


def half(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16


def integers(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64


def another_name(model: onnx.ModelProto) -> None:
    model.graph.output[3].name = "somebody"


def fewer(model: onnx.ModelProto) -> None:
    del model.graph.output[-1]


def second_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(onnx.ValueInfoProto.FromString(model.graph.input[0].SerializeToString()))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (fixed_batch, "'input' has no free batch axis"),
        (flat_output, "'score_8' has no free batch axis"),
        (another_size, "has 'input' of FP32 [3, 640, 96], expected 'input' of FP32 [3, 64, 96]"),
        (half, "has 'input' of FP16"),
        (integers, "has 'score_8' of INT64"),
        (another_name, "has 'somebody' of FP32"),
        (fewer, "has 9 tensors"),
        (second_input, "has 2 inputs"),
    ],
)
def test_a_graph_that_is_not_what_the_spec_says_is_told_by_its_first_difference(
    tmp_path: Path, change: Callable[[onnx.ModelProto], None], sentence: str
) -> None:
    model = graph(tmp_path)
    change(model)
    with pytest.raises(StoreError) as refused:
        graph_tensors(model, promised(), tmp_path / "det.onnx")
    assert sentence in refused.value.line()


def test_weights_that_are_declared_as_inputs_are_none(tmp_path: Path) -> None:
    model = graph(tmp_path)
    weight = model.graph.initializer[0]
    model.graph.input.append(onnx.helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims))
    assert graph_tensors(model, promised(), tmp_path).input.name == "input"
