from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from batchproof.errors import InputError, StepFailedError
from batchproof.runtime import open_session
from batchproof.surgery.fold_normalisation import FoldNormalisation, fold
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.passes import Reason
from batchproof.surgery.raw_input import RawInput
from batchproof.surgery.repair import repair
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from batchproof.zoo.recognise import recognise
from tests.surgery import real_models
from tests.surgery.real_models import REAL_MODELS
from tests.surgery.tiny_graphs import detector, embedder, graph, node, to_ir

Pictures = NDArray[np.uint8]

AS_INSIGHTFACE_FEEDS = RawInput("float32", "NCHW", "RGB")
AS_CAMERAS_GIVE = RawInput("uint8", "NHWC", "BGR")
RAWS = [
    AS_INSIGHTFACE_FEEDS,
    AS_CAMERAS_GIVE,
    RawInput("uint8", "NCHW", "RGB"),
    RawInput("uint8", "NCHW", "BGR"),
    RawInput("float32", "NHWC", "RGB"),
]


def _repaired(model: onnx.ModelProto) -> onnx.ModelProto:
    return repair(model, recognise(model)).model


def _folded(model: onnx.ModelProto, raw: RawInput) -> tuple[onnx.ModelProto, tuple[Reason, ...]]:
    folded, reasons = fold(model, recognise(model), raw)
    onnx.checker.check_model(folded, full_check=True)
    return folded, reasons


def _names(model: onnx.ModelProto) -> list[str]:
    return [each.name for each in model.graph.node]


def _noise(count: int, height: int, width: int) -> Pictures:
    return np.random.default_rng(2).integers(0, 256, (count, height, width, 3), np.uint8)


def _photographs(folder: Path, side: int) -> Pictures:
    names = ("solvay_conference_1927.png", "lumia.jpg", "Stallone.jpg", "TH1.jpg")
    return np.stack([cv2.resize(cv2.imread(str(folder / "images" / name)), (side, side)) for name in names])


def _blob(model: onnx.ModelProto, pictures: Pictures) -> NDArray[np.float32]:
    """What insightface makes of them."""
    spec = recognise(model).spec.input
    size = (pictures.shape[2], pictures.shape[1])
    blob: NDArray[np.float32] = cv2.dnn.blobFromImages(
        list(pictures), 1.0 / spec.std, size, (spec.mean,) * 3, swapRB=True
    )
    return blob


def _outputs(model: onnx.ModelProto, images: NDArray[Any], *, optimised: bool = False) -> list[NDArray[np.float32]]:
    session = open_session(model.SerializeToString(), optimised=optimised)
    return list(session.run(None, {session.get_inputs()[0].name: images}))


def _assert_equal(one: list[NDArray[np.float32]], other: list[NDArray[np.float32]]) -> None:
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("raw", RAWS, ids=str)
@pytest.mark.parametrize("optimised", [True, False])
def test_pixels_give_what_insightfaces_blob_gave(raw: RawInput, optimised: bool) -> None:
    model, pictures = _repaired(detector()), _noise(3, 64, 96)
    folded, _ = _folded(model, raw)
    expected = _outputs(model, _blob(model, pictures), optimised=optimised)
    _assert_equal(_outputs(folded, raw.feed(list(pictures)), optimised=optimised), expected)


def test_the_arithmetic_is_that_of_insightfaces_blob_for_every_pixel_value() -> None:
    """A Div by 127.5 in place of the Mul is wrong in the last bit for half of them."""
    every = np.arange(256, dtype=np.uint8).repeat(49 * 3).reshape(1, 112, 112, 3)
    model = graph(
        [node("Identity", ["image"], "seen"), node("Flatten", ["seen"], "out")],
        {"out": ["N", 112 * 112 * 3]},
        image=("N", 3, 112, 112),
    )
    recognition = replace(recognise(embedder()), input_name="image", output_names=("out",))
    assert recognition.spec.input.std == 127.5
    (found,) = _outputs(fold(model, recognition, AS_CAMERAS_GIVE)[0], every)
    np.testing.assert_array_equal(found, _blob(_repaired(embedder()), every).reshape(1, -1))


@pytest.mark.parametrize("raw", RAWS, ids=str)
def test_half_precision_first_gives_what_the_half_graph_gave(raw: RawInput) -> None:
    model, pictures = to_fp16(_repaired(detector()))[0], _noise(3, 64, 96)
    folded, _ = _folded(model, raw)
    _assert_equal(_outputs(folded, raw.feed(list(pictures))), _outputs(model, _blob(model, pictures)))
    declared = folded.graph.input[0].type.tensor_type.elem_type
    assert declared == (onnx.TensorProto.UINT8 if raw.dtype == "uint8" else onnx.TensorProto.FLOAT)


def test_half_precision_afterwards_keeps_the_input() -> None:
    model, pictures = _repaired(detector()), _noise(3, 64, 96)
    halved, summary = to_fp16(_folded(model, AS_INSIGHTFACE_FEEDS)[0])
    assert summary.float_nodes == 0
    assert halved.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    # Pixels, pixels - 127.5 and their 128th are exact in half.
    expected = _outputs(to_fp16(model)[0], _blob(model, pictures))
    _assert_equal(_outputs(halved, AS_INSIGHTFACE_FEEDS.feed(list(pictures))), expected)


@pytest.mark.parametrize("raw", RAWS, ids=str)
@pytest.mark.parametrize("half", [False, True])
def test_a_folded_graph_is_proven(raw: RawInput, half: bool) -> None:
    for model in (_repaired(detector()), _repaired(embedder())):
        proof = prove(_folded(to_fp16(model)[0] if half else model, raw)[0])
        assert proof.status is Status.PROVEN, proof


def test_the_input_is_declared_and_described() -> None:
    folded, _ = _folded(_repaired(detector()), AS_CAMERAS_GIVE)
    (image,) = folded.graph.input
    dims = [dim.dim_param or dim.dim_value for dim in image.type.tensor_type.shape.dim]
    assert (image.name, image.type.tensor_type.elem_type) == ("input", onnx.TensorProto.UINT8)
    assert dims == ["N", "H", "W", 3]
    assert [(entry.key, entry.value) for entry in folded.metadata_props] == [("batchproof.input", "uint8 NHWC BGR")]


def test_each_new_node_is_explained_in_the_order_of_the_graph() -> None:
    model = _repaired(embedder())
    folded, reasons = _folded(model, AS_CAMERAS_GIVE)
    assert [(reason.subject, reason.sentence) for reason in reasons] == [
        (
            "input",
            "was float32 NCHW RGB, (pixel - 127.5) / 127.5; now takes pixels 0..255, uint8 NHWC BGR; "
            "not for insightface, which feeds NCHW RGB and nothing else",
        ),
        ("Cast_pixels", "is new: makes float32 of uint8"),
        ("Transpose_pixels", "is new: puts the channels first"),
        ("Gather_colours", "is new: makes RGB of BGR"),
        ("Sub_mean", "is new: subtracts the mean 127.5"),
        ("Mul_std", "is new: divides by std 127.5"),
    ]
    assert _names(folded) == [reason.subject for reason in reasons[1:]] + _names(model)


@pytest.mark.parametrize("raw", [AS_INSIGHTFACE_FEEDS, AS_CAMERAS_GIVE], ids=str)
def test_a_second_time_changes_nothing(raw: RawInput) -> None:
    model = _repaired(embedder())
    work = to_ir(_folded(model, raw)[0])
    again = FoldNormalisation(recognise(model), raw)(work)
    assert not again.modified
    assert f"takes raw pixels already ({raw})" in again.reasons[0].sentence


def test_a_graph_that_normalises_itself_gets_no_second_normalisation() -> None:
    model = _folded(_repaired(embedder()), AS_INSIGHTFACE_FEEDS)[0]
    del model.metadata_props[:]  # a foreign graph, of which only the names tell
    assert [reason.sentence for reason in _folded(model, AS_INSIGHTFACE_FEEDS)[1]] == [
        "not changed because it takes float32 NCHW RGB as it is"
    ]
    assert _names(_folded(model, AS_CAMERAS_GIVE)[0])[:4] == [
        "Cast_pixels",
        "Transpose_pixels",
        "Gather_colours",
        "Sub_mean",
    ]


def test_the_original_stays_and_the_bytes_are_the_same_each_time() -> None:
    model = _repaired(detector())
    before = model.SerializeToString()
    first, second = (_folded(model, AS_CAMERAS_GIVE)[0].SerializeToString() for _ in range(2))
    assert model.SerializeToString() == before
    assert first == second


def test_a_folded_detector_is_not_normalised_again() -> None:
    model = _repaired(detector())
    spec = recognise(_folded(model, AS_INSIGHTFACE_FEEDS)[0]).spec.input
    assert (spec.mean, spec.std, spec.colour) == (0.0, 1.0, "RGB")
    assert recognise(_folded(model, RawInput("float32", "NCHW", "BGR"))[0]).spec.input.colour == "BGR"


def test_who_cannot_feed_raw_pixels_is_told() -> None:
    folded, _ = _folded(_repaired(detector()), AS_CAMERAS_GIVE)
    with pytest.raises(InputError, match=r"takes raw pixels \(uint8 NHWC BGR\).*before it was folded in"):
        recognise(folded)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (graph([node("Relu", ["image"], "out")], {"out": [1]}, image=(1, 3, 112)), "no float32 image of four axes"),
        (graph([node("Relu", ["image"], "out")], {"out": [1], "image": (1, 3, 64, 96)}), "both an input and an output"),
        (graph([node("Relu", ["image"], "out")], {"out": [1]}, opset=6), "needs opset 7"),
    ],
)
def test_what_does_not_fit_is_refused(model: onnx.ModelProto, sentence: str) -> None:
    recognition = replace(recognise(embedder()), input_name="image", output_names=("out",))
    with pytest.raises(StepFailedError, match=f"cannot be put into this graph: .*{sentence}"):
        fold(model, recognition, AS_CAMERAS_GIVE)


@pytest.mark.parametrize("name", REAL_MODELS)
def test_real_files_are_exact(name: str, test_data: Path) -> None:
    model = _repaired(real_models.read(test_data, name))
    pictures = _photographs(test_data, recognise(model).spec.input.height or 320)
    for each in (model, to_fp16(model)[0]):
        expected = _outputs(each, _blob(each, pictures))
        for raw in (AS_CAMERAS_GIVE, AS_INSIGHTFACE_FEEDS):
            folded, _ = _folded(each, raw)
            assert prove(folded).status is Status.PROVEN
            _assert_equal(_outputs(folded, raw.feed(list(pictures))), expected)


def test_insightface_sees_the_normalisation_of_an_embedder(test_data: Path, tmp_path: Path) -> None:
    from insightface.model_zoo.arcface_onnx import ArcFaceONNX

    original = test_data / "models" / "mobilefacenet_112_batch1.onnx"
    folded, reasons = _folded(_repaired(onnx.load(original)), AS_INSIGHTFACE_FEEDS)
    assert "insightface sees that by the names" in reasons[0].sentence
    onnx.save(folded, tmp_path / "folded.onnx")
    theirs, ours = ArcFaceONNX(str(original)), ArcFaceONNX(str(tmp_path / "folded.onnx"))
    assert (ours.input_mean, ours.input_std) == (0.0, 1.0)
    pictures = list(_photographs(test_data, 112))
    np.testing.assert_array_equal(ours.get_feat(pictures), np.concatenate([theirs.get_feat(each) for each in pictures]))


@pytest.mark.parametrize("raw", [AS_INSIGHTFACE_FEEDS, RawInput("uint8", "NCHW", "RGB")], ids=str)
def test_insightface_must_be_told_of_a_detectors(raw: RawInput, test_data: Path, tmp_path: Path) -> None:
    from insightface.model_zoo import get_model
    from insightface.model_zoo.scrfd import SCRFD

    original = test_data / "models" / "det_500m.onnx"
    folded, reasons = _folded(_repaired(onnx.load(original)), raw)
    assert "only with the preprocessing 'embedded'" in reasons[0].sentence
    onnx.save(folded, tmp_path / "folded.onnx")
    picture = cv2.imread(str(test_data / "images" / "solvay_conference_1927.png"))
    told = get_model(
        str(tmp_path / "folded.onnx"), model_task="detection", model_metadata={"preprocessing": "embedded"}
    )
    faces, _ = told.detect(picture, input_size=(640, 640))
    expected, _ = SCRFD(str(original)).detect(picture, input_size=(640, 640))
    assert len(expected) == 29
    np.testing.assert_allclose(faces, expected, atol=1e-3)
    assert SCRFD(str(tmp_path / "folded.onnx")).input_mean == 127.5  # why it must be told
