from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest

from batchproof.artifacts import onnx_file
from batchproof.build.activation_memory import peak_activation_bytes
from batchproof.errors import StepFailedError
from batchproof.export import exporter
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.options import DEFAULTS, NEWEST_OPSET, OLDEST_OPSET, ExportOptions
from batchproof.export.seeded import seeded
from batchproof.runtime import OnnxRuntimeRunner, noise
from batchproof.surgery.fold_normalisation import fold
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.fp16.verdicts import island_casts
from batchproof.surgery.raw_input import RawInput
from batchproof.surgery.repair import repair
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from batchproof.zoo.recognise import recognise

NAME = "scrfd_500m_bnkps"
SPEC = CATALOGUE[NAME].spec
GUARD = "input_height_and_width_must_be_multiples_of_32"
BAD = [(40, 64), (64, 40), (33, 33), (8, 8), (8, 64), (32, 48), (16, 64), (1, 1)]


def exported(path: Path, options: ExportOptions = DEFAULTS) -> onnx.ModelProto:
    export_onnx(seeded(NAME, 0), SPEC, path, options=options, metadata={})
    return onnx_file.read(path)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    return exported(tmp_path_factory.mktemp("guarded") / "guarded.onnx")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    """What the exporter writes without the guard."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "guard_size", lambda *_: None)
        return exported(tmp_path_factory.mktemp("bare") / "bare.onnx")


def runner(model: onnx.ModelProto, *, optimised: bool = True) -> OnnxRuntimeRunner:
    return OnnxRuntimeRunner(model.SerializeToString(), optimised=optimised)


@contextmanager
def refused_by_the_guard() -> Iterator[None]:
    with pytest.raises(StepFailedError) as caught:
        yield
    assert f"'{GUARD}'" in caught.value.line()
    assert "\n" not in caught.value.line()


def assert_guarded(model: onnx.ModelProto, *, optimised: bool = True) -> None:
    """Every bad size is refused, at batch sizes that would make up for missing pixels too."""
    session = runner(model, optimised=optimised)
    for batch in (1, 2, 4, 5):
        for size in BAD:
            with refused_by_the_guard():
                session.infer(np.zeros((batch, 3, *size), np.float32))


def assert_same_outputs(model: onnx.ModelProto, other: onnx.ModelProto, *, optimised: bool) -> None:
    sessions = runner(model, optimised=optimised), runner(other, optimised=optimised)
    for batch in (1, 2, 5):
        images = noise(SPEC.input, batch, 64, 96)
        found, expected = (session.infer(images) for session in sessions)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("optimised", [True, False])
def test_other_sizes_are_refused_by_name_and_good_ones_computed_as_before(
    guarded: onnx.ModelProto, bare: onnx.ModelProto, optimised: bool
) -> None:
    assert_guarded(guarded, optimised=optimised)
    assert_same_outputs(guarded, bare, optimised=optimised)


def test_without_the_guard_a_bad_size_gives_rows(bare: onnx.ModelProto) -> None:
    assert runner(bare).infer(np.zeros((1, 3, 8, 8), np.float32))["score_8"].size


def test_the_guard_is_four_nodes_in_front_of_all_others(guarded: onnx.ModelProto, bare: onnx.ModelProto) -> None:
    first = [node.name for node in guarded.graph.node[:4]]
    assert first == ["size_guard/cells", "size_guard/count", "size_guard/target", GUARD]
    assert len(guarded.graph.node) == len(bare.graph.node) + 4


@pytest.mark.parametrize("opset", [OLDEST_OPSET, NEWEST_OPSET])
def test_every_opset_has_it(opset: int, tmp_path: Path) -> None:
    model = exported(tmp_path / "guarded.onnx", ExportOptions(opset=opset))
    assert prove(model).status is Status.PROVEN
    assert_guarded(model)


def test_models_of_a_fixed_size_have_none(tmp_path: Path) -> None:
    name, path = "mobilefacenet_112", tmp_path / "embedder.onnx"
    export_onnx(seeded(name, 0), CATALOGUE[name].spec, path, metadata={})
    assert not [node for node in onnx.load(path).graph.node if "multiples" in node.name]


def test_shape_inference_sees_through_it(guarded: onnx.ModelProto, bare: onnx.ModelProto) -> None:
    image = (4, 3, 320, 640)
    assert peak_activation_bytes(guarded, image) == peak_activation_bytes(bare, image)


def test_surgery_leaves_it_as_it_is(guarded: onnx.ModelProto) -> None:
    repaired = repair(guarded, recognise(guarded)).model
    assert repaired.graph == guarded.graph
    newer = repair(guarded, recognise(guarded), opset=21).model
    assert newer.opset_import[0].version == 21
    assert_guarded(newer)


def test_half_precision_counts_and_computes_as_without_it(guarded: onnx.ModelProto, bare: onnx.ModelProto) -> None:
    stem = next(node.name for node in bare.graph.node if node.op_type == "Conv")
    for kept in ((), (stem,)):
        (half, summary), (expected, counts) = to_fp16(guarded, kept), to_fp16(bare, kept)
        assert summary == counts
        assert island_casts(half, guarded) == island_casts(expected, bare)
        assert_same_outputs(half, expected, optimised=False)
        assert_guarded(half)


@pytest.mark.parametrize("raw", [RawInput(), RawInput("uint8", "NHWC", "RGB")], ids=str)
def test_it_guards_raw_pixels_too(guarded: onnx.ModelProto, raw: RawInput) -> None:
    session = runner(fold(guarded, recognise(guarded), raw)[0])
    good, bad = (raw.feed([np.zeros((*size, 3), np.uint8)] * 2) for size in ((64, 96), (40, 64)))
    assert len(session.infer(good)["score_8"]) == 2
    with refused_by_the_guard():
        session.infer(bad)
