from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from batchproof.errors import InputError
from batchproof.export.checkpoint import load_state_dict
from batchproof.export.exporter import export_onnx
from batchproof.export.heads import UnitEmbedding
from batchproof.export.networks.catalogue import architecture
from batchproof.export.recovery.recover import recover, recovered_network
from batchproof.export.seeded import seeded
from batchproof.pipeline.decode import DetectionSettings, decode
from batchproof.pipeline.detect import prepare
from batchproof.pipeline.pictures import load_pictures
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.fold_normalisation import fold
from batchproof.surgery.raw_input import RawInput
from batchproof.validate.face_parity import face_shift
from batchproof.validate.oracle import OracleDetector
from batchproof.zoo.recognise import recognise
from tests.export.recovery.tiny_network import edited
from tests.surgery.tiny_graphs import detector

SMALLEST = "scrfd_500m_bnkps"


def seeded_file(path: Path, name: str) -> Path:
    export_onnx(seeded(name, 0), architecture(name).spec, path, metadata={})
    return path


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded_file(tmp_path_factory.mktemp("smallest") / "det.onnx", SMALLEST)


@pytest.mark.parametrize("name", ["scrfd_500m", "scrfd_2.5g_bnkps", "mbf_w600k", "mobilefacenet_112", "iresnet18"])
def test_an_exported_network_comes_back(tmp_path: Path, name: str) -> None:
    path = seeded_file(tmp_path / "model.onnx", name)
    found = recover(path)
    assert (found.architecture, found.spec) == (name, architecture(name).spec)
    assert found.reason.endswith(f"convolutions and linear layers, and all between them, pair with those of {name}")
    image = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, found.spec.input.shape(1, 64, 96)).astype("f4"))
    with torch.inference_mode():
        expected, again = seeded(name, 0)(image), recovered_network(path, name)(image)
    torch.testing.assert_close(again, expected, rtol=1e-4, atol=1e-5)


def test_a_network_whose_embeddings_have_length_1_comes_back_with_that_tail(tmp_path: Path) -> None:
    name, path = "mobilefacenet_112", tmp_path / "model.onnx"
    whole = UnitEmbedding(seeded(name, 0)).eval()
    export_onnx(whole, architecture(name).spec, path, metadata={})
    assert recover(path).reason.endswith(f"those of {name}, behind which it divides each embedding by its length")
    faces = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (2, 3, 112, 112)).astype("f4"))
    with torch.inference_mode():
        torch.testing.assert_close(recovered_network(path, name)(faces), whole(faces), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("raw", ["float32,NCHW,RGB", "uint8,NHWC,BGR"])
def test_a_graph_that_takes_raw_pixels_is_refused_with_what_to_do(tmp_path: Path, smallest: Path, raw: str) -> None:
    model = onnx.load(smallest)
    folded, _ = fold(model, recognise(model), RawInput.parse(raw))
    onnx.save(folded, tmp_path / "raw.onnx")
    with pytest.raises(InputError, match=r"the graph from before"):
        recover(tmp_path / "raw.onnx")


def test_of_two_architectures_with_the_same_layers_the_newer_is_taken(tmp_path: Path) -> None:
    assert recover(seeded_file(tmp_path / "model.onnx", "mbf_may_2021")).architecture == "mbf_july_2021"


def changed(path: Path, kind: str, edit: Callable[[onnx.NodeProto], object]) -> Path:
    onnx.save(edited(onnx.load(path), kind, edit), path.with_name("changed.onnx"))
    return path.with_name("changed.onnx")


def test_a_near_miss_names_the_first_node_that_differs(smallest: Path) -> None:
    other = changed(smallest, "Relu", lambda node: setattr(node, "op_type", "Sigmoid"))
    expected = r"nearly a scrfd_500m_bnkps, but its Sigmoid '.*' stands where Relu is expected\. Without --recover"
    with pytest.raises(InputError, match=expected):
        recover(other)


def test_other_widths_are_named_by_their_shapes(smallest: Path, tmp_path: Path) -> None:
    model = onnx.load(smallest)
    wide = next(tensor for tensor in model.graph.initializer if list(tensor.dims) == [288, 288, 1, 1])
    wide.CopyFrom(numpy_helper.from_array(np.ones((290, 288, 1, 1), "f4"), wide.name))
    onnx.save(model, tmp_path / "wide.onnx")
    expected = (
        r"nearly a scrfd_500m_bnkps, but 1 weights missing: \[288, 288, 1, 1\]; 1 weights unexpected: "
        r"\[290, 288, 1, 1\]\. Without"
    )
    with pytest.raises(InputError, match=expected):
        recover(tmp_path / "wide.onnx")


def test_a_size_that_the_network_cannot_take_is_refused(smallest: Path, tmp_path: Path) -> None:
    model = onnx.load(smallest)
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = 100
    onnx.save(model, tmp_path / "hundred.onnx")
    with pytest.raises(
        InputError, match=r"hundred\.onnx: takes images of 100x100 where the network takes multiples of"
    ):
        recover(tmp_path / "hundred.onnx")


def test_one_layer_of_zeros_shares_nothing(smallest: Path, tmp_path: Path) -> None:
    model = onnx.load(smallest)
    for tensor in [each for each in model.graph.initializer if list(each.dims) == [288, 288, 1, 1]][:2]:
        tensor.CopyFrom(numpy_helper.from_array(np.zeros((288, 288, 1, 1), "f4"), tensor.name))
    onnx.save(model, tmp_path / "zeros.onnx")
    assert recover(tmp_path / "zeros.onnx").architecture == SMALLEST


def test_levels_that_share_a_tower_must_agree(tmp_path: Path) -> None:
    """Copies of a shared weight are one weight, unless one of them has been changed."""
    path = seeded_file(tmp_path / "model.onnx", "scrfd_500m")
    model = onnx.load(path)
    shared = next(each for each in model.graph.initializer if each.name.startswith("bbox_head.stride_reg"))
    copy = model.graph.initializer.add()
    copy.CopyFrom(shared)
    copy.name = "copy"
    user = next(node for node in model.graph.node if shared.name in node.input)
    user.input[list(user.input).index(shared.name)] = "copy"
    onnx.save(model, path)
    assert recover(path).architecture == "scrfd_500m"
    array = numpy_helper.to_array(copy).copy()
    array.flat[0] += 1
    copy.CopyFrom(numpy_helper.from_array(array, "copy"))
    onnx.save(model, path)
    with pytest.raises(
        InputError, match=r"nearly a .*(has other weights than a layer that shares|1 weights unexpected)"
    ):
        recover(path)


def test_a_graph_of_no_known_architecture_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    onnx.save(detector("interleaved"), tmp_path / "det.onnx")
    with pytest.raises(InputError, match=r"of no known architecture\. Known are scrfd_500m"):
        recover(tmp_path / "det.onnx")


def test_weights_that_are_not_finite_are_named(smallest: Path, tmp_path: Path) -> None:
    model = onnx.load(smallest)
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == "bbox_head.stride_cls.(8, 8).weight")
    weight.CopyFrom(numpy_helper.from_array(np.full(tuple(weight.dims), np.nan, "f4"), weight.name))
    onnx.save(model, tmp_path / "nan.onnx")
    with pytest.raises(InputError, match=r"weights hold NaN or Inf: bbox_head\.stride_cls\.\(8, 8\)\.weight"):
        recover(tmp_path / "nan.onnx")


def test_half_precision_is_refused(smallest: Path, tmp_path: Path) -> None:
    from onnxconverter_common import float16

    onnx.save(float16.convert_float_to_float16(onnx.load(smallest), keep_io_types=True), tmp_path / "half.onnx")
    with pytest.raises(InputError, match="holds weights in half precision"):
        recover(tmp_path / "half.onnx")


REAL = {
    "det_2.5g.onnx": "scrfd_2.5g_bnkps",
    "det_500m.onnx": "scrfd_500m_bnkps",
    "scrfd_500m_bnkps_batch1.onnx": "scrfd_500m_bnkps",
    "scrfd_500m_kps_shapeop.onnx": "scrfd_500m_bnkps",
    "mobilefacenet_112_batch1.onnx": "mobilefacenet_112",
}


def exported_anew(original: Path, path: Path) -> Path:
    found = recover(original)
    export_onnx(recovered_network(original, found.architecture), found.spec, path, metadata={})
    return path


def weights_of(path: Path) -> set[tuple[tuple[int, ...], bytes]]:
    """Every weight and bias of a convolution, by shape and bits."""
    model = onnx.load(path)
    used = {name for node in model.graph.node if node.op_type == "Conv" for name in node.input[1:]}
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in used]
    return {(tuple(tensor.dims), numpy_helper.to_array(tensor).tobytes()) for tensor in tensors}


@pytest.mark.parametrize("file", REAL)
def test_real_files_in_every_form_keep_every_bit_of_their_weights(test_data: Path, tmp_path: Path, file: str) -> None:
    original = test_data / "models" / file
    assert recover(original).architecture == REAL[file]
    assert weights_of(exported_anew(original, tmp_path / file)) == weights_of(original)


@pytest.mark.parametrize("file", ["det_2.5g.onnx", "det_500m.onnx"])
def test_on_real_pictures_the_recovered_detector_is_the_original(test_data: Path, tmp_path: Path, file: str) -> None:
    original = test_data / "models" / file
    spec, settings = recover(original).spec, DetectionSettings()
    shown = load_pictures(test_data / "images")
    names, pictures = [picture.name for picture in shown], [picture.pixels for picture in shown]
    oracle = OracleDetector(original, spec)
    theirs = [oracle.observe(picture, settings) for picture in pictures]
    prepared = prepare(pictures, spec.input, settings.height, settings.width)
    ours = OnnxRuntimeRunner(exported_anew(original, tmp_path / file)).infer(prepared.blob)
    for index, output in itertools.product(range(len(names)), spec.outputs):
        limit = 1e-6 if output.kind == "score" else 1e-4
        moved = np.abs(ours[output.name][index] - theirs[index].outputs[output.name][0]).max()
        assert moved <= limit, (names[index], output.name)
    for name, alone, faces in zip(names, theirs, decode(ours, spec, settings, prepared.scales), strict=True):
        shift = face_shift(name, alone.detections, faces, decided=settings.threshold)
        assert (shift.matched, shift.unmatched) == (len(alone.detections.scores), 0), name
        assert len(faces.scores) == shift.matched, name
    assert sum(len(alone.detections.scores) for alone in theirs) > 100  # one picture has no face that either finds


def test_the_recovered_embedder_is_the_checkpoint_it_was_exported_from(test_data: Path) -> None:
    original = test_data / "models" / "mobilefacenet_112_batch1.onnx"
    faces = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (3, 3, 112, 112)).astype(np.float32))
    trained_one = architecture("mobilefacenet_112").filled(load_state_dict(original.with_name("mobilefacenet_112.pt")))
    with torch.inference_mode():
        expected, found = trained_one(faces), recovered_network(original, "mobilefacenet_112")(faces)
    assert (expected - found).abs().max() <= 1e-5 * expected.abs().max()
    assert recognise(onnx.load(original)).spec == architecture("mobilefacenet_112").spec
