from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from batchproof.artifacts import onnx_file
from batchproof.errors import InputError
from batchproof.zoo.recognise import recognise

Dims = list[int | str]
SCRFD_OUTPUTS: list[tuple[str, Dims]] = [
    (f"{kind}{stride}", [2 * (640 // stride) ** 2, channels])
    for kind, channels in (("s", 1), ("b", 4), ("k", 10))
    for stride in (8, 16, 32)
]


def model(image: Dims, outputs: list[tuple[str, Dims]], first_nodes: tuple[str, ...] = ()) -> onnx.ModelProto:
    """A graph of identities: recognition looks at shapes and the first node names alone."""
    nodes = [helper.make_node("Identity", ["image"], [name], name=f"out_{name}") for name, _ in outputs]
    named = [helper.make_node("Identity", ["image"], [f"n{i}"], name=name) for i, name in enumerate(first_nodes)]
    graph = helper.make_graph(
        named + nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, image)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
    )
    return helper.make_model(graph)


def test_scrfd_is_recognised_with_and_without_landmarks() -> None:
    with_landmarks = recognise(model([1, 3, "H", "W"], SCRFD_OUTPUTS))
    assert with_landmarks.spec.has_keypoints
    assert with_landmarks.output_names == tuple(name for name, _ in SCRFD_OUTPUTS)
    without = recognise(model([1, 3, 640, 640], SCRFD_OUTPUTS[:6]))
    assert (without.spec.family, without.spec.has_keypoints) == ("scrfd", False)


def test_scrfd_outputs_are_ordered_by_kind_and_stride_whatever_the_file_s_order() -> None:
    shuffled = [SCRFD_OUTPUTS[i] for i in (8, 3, 0, 5, 1, 7, 2, 6, 4)]
    assert recognise(model([1, 3, 640, 640], shuffled)).output_names == tuple(name for name, _ in SCRFD_OUTPUTS)


def test_five_levels_have_one_anchor_a_cell() -> None:
    outputs = [(f"o{c}{s}", [(640 // s) ** 2, c]) for c in (1, 4, 10) for s in (8, 16, 32, 64, 128)]
    spec = recognise(model([1, 3, 640, 640], [(name, list(dims)) for name, dims in outputs])).spec
    assert (spec.strides, spec.anchors_per_cell, spec.input.multiple_of) == ((8, 16, 32, 64, 128), 1, 128)


def test_an_embedding_and_its_length_are_adaface_s_which_takes_bgr() -> None:
    found = recognise(model([1, 3, 112, 112], [("feature", [1, 512]), ("length", [1, 1])]))
    assert (found.spec.family, found.spec.input.colour) == ("adaface", "BGR")
    assert found.output_names == ("feature", "length")


@pytest.mark.parametrize("outputs", [[("a", [1, 512]), ("b", [1, 2])], [("a", [1, 1]), ("b", [1, 512])]])
def test_two_other_outputs_are_no_adaface(outputs: list[tuple[str, Dims]]) -> None:
    with pytest.raises(InputError, match="no known face model"):
        recognise(model([1, 3, 112, 112], outputs))


@pytest.mark.parametrize(
    ("size", "channels", "family"),
    [
        (112, 512, "arcface"),
        (112, 128, "arcface"),
        (192, 212, "landmarks"),
        (192, 3309, "landmarks"),
        (96, 3, "genderage"),
    ],
)
def test_networks_for_one_face_are_recognised(size: int, channels: int, family: str) -> None:
    assert recognise(model(["N", 3, size, size], [("fc1", [1, channels])])).spec.family == family


def test_normalisation_in_the_graph_is_seen_by_the_names_of_the_first_nodes() -> None:
    inside = recognise(model([1, 3, 112, 112], [("e", [1, 512])], ("_minusscalar0", "_mulscalar0"))).spec
    outside = recognise(model([1, 3, 112, 112], [("e", [1, 512])], ("/Sub", "/Mul"))).spec
    assert (inside.input.mean, inside.input.std) == (0.0, 1.0)
    assert (outside.input.mean, outside.input.std) == (127.5, 127.5)


@pytest.mark.parametrize(("size", "channels"), [(192, 212), (192, 3309), (96, 3)])
def test_a_leading_bn_data_is_normalisation_as_it_is_for_insightface(size: int, channels: int) -> None:
    def mean(*first_nodes: str) -> float:
        found = recognise(model(["N", 3, size, size], [("fc1", [1, channels])], first_nodes))
        return found.spec.input.mean

    assert mean("a", "b", "bn_data") == 0.0
    assert mean("a", "b", "c", "bn_data") == 127.5
    assert mean("_minusscalar0", "_mulscalar0") == 0.0


def test_a_leading_bn_data_is_no_normalisation_of_an_embedder() -> None:
    spec = recognise(model([1, 3, 112, 112], [("e", [1, 512])], ("bn_data",))).spec
    assert (spec.input.mean, spec.input.std) == (127.5, 127.5)


@pytest.mark.parametrize(
    ("image", "outputs"),
    [
        ([1, 3, 224, 224], [("prob", [1, 1000]), ("aux", [1, 1000])]),
        ([1, 224, 224, 3], [("mask", [1, 2])]),
        ([1, 3, 640, 480], [("heatmap", [1, 1, 160, 120])]),
        ([1, 512], [("y", [1, 512])]),
        ([1, 3, 640, 640], [(name, [1, *dims, 4]) for name, dims in SCRFD_OUTPUTS]),
    ],
)
def test_other_graphs_are_refused_with_what_was_found(image: Dims, outputs: list[tuple[str, Dims]]) -> None:
    with pytest.raises(InputError, match="no known face model"):
        recognise(model(image, outputs))


def test_the_real_files_are_recognised(test_data: Path) -> None:
    families = {
        path.stem: recognise(onnx_file.read(path)).spec.family for path in sorted((test_data / "models").glob("*.onnx"))
    }
    assert families == {
        "det_2.5g": "scrfd",
        "det_500m": "scrfd",
        "mobilefacenet_112_batch1": "arcface",
        "scrfd_500m_bnkps_batch1": "scrfd",
        "scrfd_500m_kps_shapeop": "scrfd",
    }
