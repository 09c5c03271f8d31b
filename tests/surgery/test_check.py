from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from batchproof.policy import SurgeryLimits
from batchproof.surgery.check import check_repair
from batchproof.surgery.name_outputs import NameOutputs
from batchproof.surgery.open_batch import OpenBatch
from batchproof.surgery.repair import repair
from batchproof.verdict import Status, Verdict
from batchproof.zoo.recognise import recognise
from tests.surgery import real_models
from tests.surgery.real_models import REAL_MODELS
from tests.surgery.tiny_graphs import Tail, detector, embedder, pictures, tensor, to_ir

# ONNX Runtime fuses a graph of fixed shapes differently: a last bit may differ from the original.
LIMITS = SurgeryLimits(single_max_abs=1e-5, row_max_abs=1e-5)


def _opened(model: onnx.ModelProto) -> onnx.ModelProto:
    """Only the declarations are changed: what a careless repair does."""
    recognition = recognise(model)
    copy = to_ir(onnx.ModelProto.FromString(model.SerializeToString()))
    OpenBatch(recognition).call(copy)
    NameOutputs(recognition).call(copy)
    return ir.serde.serialize_model(copy)


def _verdicts(
    original: onnx.ModelProto, candidate: onnx.ModelProto, images: np.ndarray, limits: SurgeryLimits = LIMITS
) -> list[Verdict]:
    return check_repair(original, candidate, recognise(original), images, limits=limits, subject="tiny")


def _of_batch(verdicts: list[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.check.startswith("surgery.rows_equal_singles")]


@pytest.mark.parametrize("tail", ["interleaved", "frozen", "kept"])
@pytest.mark.parametrize("fixed_resize", [False, True])
def test_repaired_detectors_pass(tail: Tail, fixed_resize: bool) -> None:
    model = detector(tail, fixed_resize=fixed_resize)
    verdicts = _verdicts(model, repair(model, recognise(model)).model, pictures(3))
    assert [verdict.check for verdict in verdicts] == [
        "surgery.equals_original.optimised",
        "surgery.rows_equal_singles.64x96.optimised",
        "surgery.rows_equal_singles.448x640.optimised",
        "surgery.rows_equal_singles.352x288.optimised",
        "surgery.equals_original.unoptimised",
        "surgery.rows_equal_singles.64x96.unoptimised",
        "surgery.rows_equal_singles.448x640.unoptimised",
        "surgery.rows_equal_singles.352x288.unoptimised",
    ]
    assert all(verdicts), verdicts


def test_a_repaired_embedder_passes_at_its_own_size() -> None:
    model = embedder()
    verdicts = _verdicts(model, repair(model, recognise(model)).model, pictures(3, 112, 112))
    assert len(verdicts) == 4
    assert all(verdicts), verdicts


def test_interleaved_rows_fail_with_the_shape() -> None:
    model = detector("interleaved")
    verdicts = _of_batch(_verdicts(model, _opened(model), pictures(3)))
    assert {verdict.status for verdict in verdicts} == {Status.FAIL}
    assert verdicts[0].reason == "output 'score_8' is [576, 1] where [3, 192, 1] is expected"


def test_contamination_fails_with_picture_and_figure() -> None:
    model = detector("kept", fixed_resize=True)
    verdicts = _of_batch(_verdicts(model, _opened(model), pictures(3)))
    not_optimised = next(verdict for verdict in verdicts if verdict.check.endswith("64x96.unoptimised"))
    assert not_optimised.status is Status.FAIL
    assert not_optimised.figure is not None
    assert not_optimised.figure > 0.01
    assert not_optimised.witness is not None
    assert "_16, picture " in not_optimised.witness


def test_a_changed_weight_fails_against_the_original() -> None:
    model = detector("interleaved")
    candidate = repair(model, recognise(model)).model
    weight = candidate.graph.initializer[0]
    weight.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight) * np.float32(1.01), weight.name))
    verdicts = _verdicts(model, candidate, pictures(3))
    assert [verdict.status for verdict in verdicts if verdict.check.startswith("surgery.equals_original")] == [
        Status.FAIL
    ] * 2
    assert all(_of_batch(verdicts))


def test_nan_fails() -> None:
    model = detector("interleaved")
    images = pictures(3)
    images[1, 0, 0, 0] = np.nan
    verdicts = _verdicts(model, repair(model, recognise(model)).model, images)
    assert {verdict.status for verdict in verdicts} == {Status.FAIL}
    assert "picture 1" in str(verdicts[0].witness)


def test_a_candidate_that_refuses_the_batch_fails() -> None:
    model = detector("kept")
    candidate = repair(model, recognise(model)).model
    candidate.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    verdicts = _verdicts(model, candidate, pictures(3))
    assert {verdict.status for verdict in _of_batch(verdicts)} == {Status.FAIL}
    assert "ONNX Runtime cannot run a batch of shape [3, 3, 64, 96]" in _of_batch(verdicts)[0].reason


def test_an_original_with_a_wrong_recorded_type_is_compared_without_them() -> None:
    model = detector("interleaved")
    candidate = repair(model, recognise(model)).model
    model.graph.value_info.append(tensor("c8", [1, 8, 8, 12], onnx.TensorProto.FLOAT16))
    same = [
        verdict
        for verdict in _verdicts(model, candidate, pictures(3))
        if verdict.check.startswith("surgery.equals_original")
    ]
    assert all(same), same
    assert all("were cleared in the copy that ran" in verdict.reason for verdict in same)


def test_pictures_of_another_size_are_fitted_to_a_fixed_original() -> None:
    model = detector("interleaved")
    verdicts = _verdicts(model, repair(model, recognise(model)).model, pictures(3, 128, 64))
    assert verdicts[0].reason == "largest difference over 3 images, one at a time, at 64x96"
    assert all(verdicts), verdicts


def test_one_picture_is_no_batch() -> None:
    model = detector()
    with pytest.raises(ValueError, match="at least two"):
        _verdicts(model, model, pictures(1))


@pytest.mark.parametrize("name", REAL_MODELS)
def test_real_repairs_pass(name: str, test_data: Path) -> None:
    model = real_models.read(test_data, name)
    recognition = recognise(model)
    images = real_models.pictures(test_data, recognition.spec.input)
    repaired = repair(model, recognition).model
    verdicts = _verdicts(model, repaired, images, SurgeryLimits(REAL_MODELS[name], 1e-5))
    assert len(verdicts) == (8 if recognition.spec.role == "detector" else 4)
    assert all(verdicts), verdicts


@pytest.mark.parametrize("name", ["det_500m", "scrfd_500m_bnkps_batch1"])
def test_real_files_with_open_declarations_only_fail(name: str, test_data: Path) -> None:
    model = real_models.read(test_data, name)
    images = real_models.pictures(test_data, recognise(model).spec.input)
    verdicts = _of_batch(_verdicts(model, _opened(model), images))
    assert {verdict.status for verdict in verdicts} == {Status.FAIL}


def test_a_resize_that_shows_frame_0_to_all_others_fails(test_data: Path) -> None:
    """The rows are where they belong, and all but the Resize is repaired: nothing but the figures shows it."""
    model = real_models.read(test_data, "scrfd_500m_bnkps_batch1")
    recognition = recognise(model)
    frozen = _with_resizes_of(model, repair(model, recognition).model)
    verdicts = _of_batch(_verdicts(model, frozen, real_models.pictures(test_data, recognition.spec.input)))
    assert {verdict.status for verdict in verdicts} == {Status.FAIL}
    at_640 = [verdict.figure for verdict in verdicts if "640x640" in verdict.check]
    assert all(figure is not None and figure > 0.1 for figure in at_640), verdicts


def _with_resizes_of(original: onnx.ModelProto, repaired: onnx.ModelProto) -> onnx.ModelProto:
    resizes = {node.name: node for node in original.graph.node if node.op_type == "Resize"}
    known = {tensor.name: tensor for tensor in original.graph.initializer}
    made = {node.output[0]: node.attribute[0].t for node in original.graph.node if node.op_type == "Constant"}
    for node in repaired.graph.node:
        if node.name in resizes:
            name = resizes[node.name].input[3]
            sizes = onnx.TensorProto.FromString((known.get(name) or made[name]).SerializeToString())
            sizes.name = f"{name}_frozen"
            repaired.graph.initializer.append(sizes)
            del node.input[2:]
            node.input.extend([node.input[1], sizes.name])  # an empty tensor, as roi and for the scales
    return repaired
