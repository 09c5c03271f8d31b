from __future__ import annotations

import numpy as np
import onnx
import pytest

from batchproof.errors import InputError
from batchproof.policy import DetectorLimits, EmbedderLimits, load_policy
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.fp16.emulation import emulated
from batchproof.surgery.fp16.figures import Comparison, limits_for, misses
from batchproof.surgery.fp16.samples import noise_samples
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.repair import repair
from batchproof.zoo import families
from batchproof.zoo.recognise import recognise
from tests.surgery.fp16.half_chains import chain, rescaled, samples
from tests.surgery.tiny_graphs import detector

EMBEDDER = families.arcface(embedding=64)
LIMITS = EmbedderLimits(min_cosine=0.999, max_abs=0.1)
DETECTOR_LIMITS = DetectorLimits(0.02, 0.5, 0.5, 0, 1.0, 0.5, 0.01)


def test_an_embedder_is_measured_by_cosine_and_by_its_values() -> None:
    model, given = chain(), samples()
    half = to_fp16(model)[0]
    figures = Comparison(model, EMBEDDER, given, LIMITS).as_hardware(half)
    exact, found = (
        OnnxRuntimeRunner(each.SerializeToString(), optimised=False).infer(given.blob)["embedding"].astype(np.float64)
        for each in (model, emulated(half))
    )
    lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(found, axis=1)
    cosines = (exact * found).sum(axis=1) / lengths
    expected = {"min_cosine": cosines.min(), "mean_cosine": cosines.mean(), "max_abs": np.abs(exact - found).max()}
    assert figures == pytest.approx(expected, abs=1e-9)
    assert figures["min_cosine"] < figures["mean_cosine"] < 1


def test_an_overflow_is_seen_as_infinite_and_only_with_halves_stored() -> None:
    model = rescaled(chain(), "conv2", "conv3", 17)
    comparison = Comparison(model, EMBEDDER, samples(), LIMITS)
    half = to_fp16(model)[0]
    assert comparison.as_hardware(half) == {"min_cosine": -np.inf, "mean_cosine": -np.inf, "max_abs": np.inf}
    assert all(np.isfinite(figure) for figure in comparison.as_executed(half).values())


def test_the_graph_itself_is_no_distance_away() -> None:
    model = chain()
    figures = Comparison(model, EMBEDDER, samples(), LIMITS).as_executed(model, optimised=False)
    assert figures == {"min_cosine": pytest.approx(1), "mean_cosine": pytest.approx(1), "max_abs": 0}


def _tiny_detector() -> onnx.ModelProto:
    raw = detector()
    return repair(raw, recognise(raw)).model


def test_a_detector_is_measured_by_raw_outputs_and_by_faces() -> None:
    model, spec = _tiny_detector(), families.scrfd(keypoints=False)
    comparison = Comparison(model, spec, noise_samples(spec.input, (64, 96)), DETECTOR_LIMITS)
    figures = comparison.as_hardware(to_fp16(model)[0])
    assert figures["matched_faces"] > 10
    assert "raw_kps" not in figures
    assert "landmark_shift_px" not in figures
    assert 0 < figures["raw_score"] < figures["raw_bbox"] < 0.01
    assert 0 < figures["box_shift_px"] < 32 * figures["raw_bbox"] + 1e-3
    itself = comparison.as_executed(model, optimised=False)
    assert itself["matched_faces"] == figures["matched_faces"]
    assert not any(figure for name, figure in itself.items() if name != "matched_faces")


def test_outputs_that_are_no_numbers_have_no_faces_and_miss_every_limit() -> None:
    model, spec = _tiny_detector(), families.scrfd(keypoints=False)
    comparison = Comparison(model, spec, noise_samples(spec.input, (64, 96)), DETECTOR_LIMITS)
    conv = next(each for each in model.graph.node if each.op_type == "Conv")
    broken = onnx.ModelProto()
    broken.CopyFrom(model)
    held = next(tensor for tensor in broken.graph.initializer if tensor.name == conv.input[1])
    values = onnx.numpy_helper.to_array(held) * np.float32(np.nan)
    held.CopyFrom(onnx.numpy_helper.from_array(values, held.name))
    figures = comparison.as_executed(broken)
    assert figures == {"raw_score": np.inf, "raw_bbox": np.inf}
    assert [miss.name for miss in misses(figures, DETECTOR_LIMITS)] == ["raw_bbox", "raw_score"]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"min_cosine": 0.9995, "max_abs": 0.05}, []),
        ({"min_cosine": 0.999, "max_abs": 0.1}, []),
        ({"min_cosine": 0.998, "max_abs": 0.1}, ["min_cosine 0.998 (limit 0.999)"]),
        ({"min_cosine": 0.998, "max_abs": 0.5}, ["max_abs 0.5 (limit 0.1)", "min_cosine 0.998 (limit 0.999)"]),
        ({"min_cosine": 0.998, "max_abs": 0.15}, ["min_cosine 0.998 (limit 0.999)", "max_abs 0.15 (limit 0.1)"]),
        ({"min_cosine": -np.inf, "mean_cosine": 0.1}, ["min_cosine -inf (limit 0.999)"]),
    ],
)
def test_misses_are_what_is_beyond_its_limit_furthest_first(figures: dict[str, float], expected: list[str]) -> None:
    assert [str(miss) for miss in misses(figures, LIMITS)] == expected


def test_a_limit_of_zero_allows_zero() -> None:
    assert misses({"unmatched_faces": 0.0}, DETECTOR_LIMITS) == []
    assert [miss.times for miss in misses({"unmatched_faces": 1.0}, DETECTOR_LIMITS)] == [np.inf]


def test_each_role_has_its_limits_and_some_have_none() -> None:
    fp16 = load_policy().fp16
    assert limits_for(families.scrfd(), fp16) is fp16.detector
    assert limits_for(EMBEDDER, fp16) is fp16.embedder
    with pytest.raises(InputError, match="no FP16 limits for landmarks"):
        limits_for(families.landmarks(size=192, channels=212, normalised_in_graph=True), fp16)
