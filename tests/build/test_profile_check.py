from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from batchproof.build.activation_memory import peak_activation_bytes
from batchproof.build.profile_check import check_profiles
from batchproof.errors import InputError, StepFailedError
from batchproof.profile import EngineProfiles
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC

PLENTY = 1e9


@pytest.fixture
def graph(tmp_path: Path) -> onnx.ModelProto:
    return onnx.load(tiny_graphs.detector(tmp_path / "tiny.onnx"))


def with_dims(graph: onnx.ModelProto, **sizes: int) -> onnx.ModelProto:
    """Fix dims of the input by the names that they have."""
    for dim in graph.graph.input[0].type.tensor_type.shape.dim:
        if dim.dim_param in sizes:
            dim.dim_value = sizes[dim.dim_param]
    return graph


def refusal(graph: onnx.ModelProto, text: str, activation_bytes: float = PLENTY) -> str:
    with pytest.raises(StepFailedError) as caught:
        check_profiles(graph, EngineProfiles.parse(text), SPEC, activation_bytes=activation_bytes)
    return caught.value.line()


def test_free_dims_take_every_profile(graph: onnx.ModelProto) -> None:
    check_profiles(graph, EngineProfiles.parse("1+1,4,8@32x32,64x64,96x96"), SPEC, activation_bytes=PLENTY)


def test_fixed_dims_take_their_own_size(graph: onnx.ModelProto) -> None:
    fixed = with_dims(graph, N=4, H=64, W=96)
    check_profiles(fixed, EngineProfiles.parse("4,4,4@64x96"), SPEC, activation_bytes=PLENTY)


def test_a_fixed_batch_asks_for_surgery(graph: onnx.ModelProto) -> None:
    assert refusal(with_dims(graph, N=1), "1+1,8,16@64x64") == (
        "input 'input' is [1, 3, ?, ?] in the graph, but profile 1,8,16@64x64 asks for [8, 3, 64, 64]. "
        "Run surgery first, which makes the batch dynamic."
    )


def test_a_fixed_size_says_which_one_to_ask_for(graph: onnx.ModelProto) -> None:
    assert refusal(with_dims(graph, H=320), "8@640x640") == (
        "input 'input' is [?, 3, 320, ?] in the graph, but profile 1,8,8@640x640 asks for [1, 3, 640, 640]. "
        "Write the profile with @320x640, or export the model with a free image size."
    )


def test_one_end_of_a_range_outside_is_enough(graph: onnx.ModelProto) -> None:
    assert "asks for [8, 3, 960, 960]" in refusal(with_dims(graph, H=640, W=640), "8@640x640,640x640,960x960")


def test_memory_is_counted_at_the_maximum_of_each_profile(graph: onnx.ModelProto) -> None:
    needed = peak_activation_bytes(graph, (512, 3, 640, 640))
    check_profiles(graph, EngineProfiles.parse("512@640x640"), SPEC, activation_bytes=needed)
    assert refusal(graph, "1+1,16,512@320x320,320x320,640x640", needed - 1) == (
        "batch 512 at 640x640 of profile 1,16,512@320x320,320x320,640x640 needs at least 5.0 GB for activations, "
        "the limit is 5.0 GB. Choose a smaller maximum, or raise activation_bytes in [build] of the policy."
    )


def test_large_batches_of_small_images_are_no_large_batches_of_large_images(graph: onnx.ModelProto) -> None:
    profiles = EngineProfiles.parse("1@640x640+512@32x32")
    needed = max(peak_activation_bytes(graph, (1, 3, 640, 640)), peak_activation_bytes(graph, (512, 3, 32, 32)))
    check_profiles(graph, profiles, SPEC, activation_bytes=needed)


def test_half_precision_needs_half(tmp_path: Path, graph: onnx.ModelProto) -> None:
    half = onnx.load(tiny_graphs.detector(tmp_path / "half.onnx", dtype="fp16"))
    shape = (8, 3, 64, 64)
    limit = peak_activation_bytes(half, shape)
    assert limit < peak_activation_bytes(graph, shape)
    check_profiles(half, EngineProfiles.parse("8@64x64"), SPEC, activation_bytes=limit)
    refusal(graph, "8@64x64", limit)


def test_sizes_that_do_not_suit_the_model_are_refused(graph: onnx.ModelProto) -> None:
    with pytest.raises(InputError, match="no multiple of 32"):
        check_profiles(graph, EngineProfiles.parse("8@64x65"), SPEC, activation_bytes=PLENTY)
