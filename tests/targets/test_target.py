from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest

from batchproof.engine_options import EngineOptions
from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.targets import target
from batchproof.targets.flags import FLAGS, OptionName

PROFILES = EngineProfiles.parse("1,16,32")


def test_the_options_are_those_of_an_engine() -> None:
    assert sorted(FLAGS) == sorted(get_args(OptionName)) == sorted(field.name for field in fields(EngineOptions))


@pytest.mark.parametrize(
    ("name", "precision", "file"),
    [
        ("deepstream-8.0", "fp16", "scrfd.onnx_b32_gpu0_fp16.engine"),
        ("deepstream-9.2", "fp32", "scrfd.onnx_b32_gpu0_fp32.engine"),
        ("triton-26.07", "fp16", "scrfd/1/model.plan"),
        ("rtx", "fp16", "scrfd.engine"),
        ("ort-cuda", "fp16", "scrfd.ort"),
    ],
)
def test_engines_are_named_as_the_target_looks_for_them(name: str, precision: str, file: str) -> None:
    assert target(name).engine_name("scrfd", PROFILES, precision) == file  # type: ignore[arg-type]


def test_a_name_with_braces_is_a_name() -> None:
    assert target("triton-26.07").engine_name("{stem}", PROFILES, "fp16") == "{stem}/1/model.plan"


def test_of_several_profiles_the_largest_batch_counts() -> None:
    several = EngineProfiles.parse("1+1,16,32+2,4,8")
    target("triton-25.03").check_engine("fp16", several)
    assert target("deepstream-9.1").engine_name("a", several, "fp32") == "a.onnx_b32_gpu0_fp32.engine"


def refusal(name: str, options: EngineOptions) -> str:
    with pytest.raises(InputError) as caught:
        target(name).check_options(options)
    return caught.value.line()


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        (
            "deepstream-8.0",
            EngineOptions(version_compatible=True),
            "nvinfer loads no engine that brings its own",
        ),
        ("deepstream-8.0", EngineOptions(distributive_independence=True), "trtexec has it from 10.12 on"),
        (
            "deepstream-7.1",
            EngineOptions(hardware="same-capability"),
            "does not support --hardware same-capability: TensorRT has it from 10.9 on.",
        ),
        (
            "deepstream-6.3",
            EngineOptions(hardware="ampere+"),
            "not support --hardware ampere+: TensorRT has it from 8.6",
        ),
        ("deepstream-6.3", EngineOptions(optimisation_level=3), "--optimisation-level: TensorRT has it from 8.6 on"),
        ("triton-26.07", EngineOptions(compute_capabilities=("8.6",)), "only TensorRT-RTX compiles for a list of GPUs"),
        ("rtx", EngineOptions(hardware="ampere+"), "no compatibility levels"),
        ("rtx", EngineOptions(version_compatible=True), "without the lean runtime"),
        (
            "ort",
            EngineOptions(tf32=True),
            "takes no options of TensorRT's builder. Leave it away.",
        ),
    ],
)
def test_refused_options_have_a_reason(name: str, options: EngineOptions, sentence: str) -> None:
    assert sentence in refusal(name, options)


def test_a_refusal_lists_what_is_supported() -> None:
    line = refusal("deepstream-7.1", EngineOptions(version_compatible=True))
    assert line.endswith("supported are --tf32, --optimisation-level, --workspace, --hardware ampere+.")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ort", EngineOptions()),
        ("deepstream-8.0", EngineOptions(hardware="same-capability")),
        ("deepstream-9.0", EngineOptions(distributive_independence=True)),
        ("triton-26.07", EngineOptions(version_compatible=True, hardware="ampere+", workspace_mib=64)),
        ("rtx", EngineOptions(tf32=True, optimisation_level=5, compute_capabilities=("8.6", "12.0"))),
    ],
)
def test_supported_options_pass(name: str, options: EngineOptions) -> None:
    target(name).check_options(options)


def test_nvinfer_executes_one_profile() -> None:
    with pytest.raises(InputError, match=r"deepstream-9\.1 executes profile 0 alone, and .* are 2\. Give one profile"):
        target("deepstream-9.1").check_engine("fp16", EngineProfiles.parse("1+1,16,32"))


def test_nvinfer_sends_batches_that_are_not_full() -> None:
    with pytest.raises(
        InputError, match=r"deepstream-8\.0 sends .* profile 4,16,32.* fewer than 4 images\. Let it begin"
    ):
        target("deepstream-8.0").check_profiles(EngineProfiles.parse("4,16,32"))
    target("triton-26.07").check_profiles(EngineProfiles.parse("4,16,32"))


def test_tensorrt_8_has_no_strong_types() -> None:
    with pytest.raises(
        InputError, match=r"deepstream-6\.4 builds no fp16 engines: TensorRT 8\.6\.1\.6 .* Build fp32, or"
    ):
        target("deepstream-6.4").check_engine("fp16", PROFILES)
    with pytest.raises(InputError, match="builds no fp16 engines"):
        target("deepstream-6.4").check_precision("fp16")
    target("deepstream-6.4").check_engine("fp32", PROFILES)


@pytest.mark.parametrize("installed", ["10.9.0.34", "10.9.0.34.post1"])
def test_the_same_build_is_no_mismatch(installed: str) -> None:
    assert target("deepstream-8.0").mismatch(installed) is None


def test_of_a_target_whose_line_alone_is_known_every_build_will_do() -> None:
    assert target("deepstream-9.1").mismatch("10.16.0.72") is None
    sentence = target("deepstream-9.1").mismatch("10.160.0.1")
    assert sentence is not None
    assert "install 'tensorrt==10.16.*'" in sentence


@pytest.mark.parametrize("installed", ["11.1.0.106", "10.90.0", "10.9.0.3", "10.9.0.340", "10.9.1.34", "10.9", "10"])
def test_a_mismatch_says_which_container_and_what_to_install(installed: str) -> None:
    sentence = target("deepstream-8.0").mismatch(installed)
    assert sentence is not None
    assert sentence.startswith(
        f"TensorRT {installed} is installed, and DeepStream 8.0 loads engines of TensorRT 10.9.0.34. "
    )
    assert 'docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD":/engines -w /engines nvcr.io' in sentence
    assert "nvcr.io/nvidia/deepstream:8.0-triton-multiarch sh build_engines.sh" in sentence
    assert sentence.endswith("install 'tensorrt==10.9.0.34' from NVIDIA's own package index (docs/install.md).")


def test_without_a_tensorrt_every_target_of_one_says_where_to_build() -> None:
    sentence = target("triton-26.07").mismatch(None)
    assert sentence is not None
    assert sentence.startswith("No TensorRT is installed here, and Triton 26.07 loads engines of TensorRT 11.1. Build")
    assert target("local").mismatch(None) is None


def test_what_batchproof_does_not_build_with_is_not_to_be_installed() -> None:
    sentence = target("deepstream-7.0").mismatch("10.9.0")
    assert sentence is not None
    assert "pip install" not in sentence


@pytest.mark.parametrize("name", ["local", "rtx", "ort"])
def test_targets_of_any_tensorrt_have_no_mismatch(name: str) -> None:
    assert target(name).mismatch("9.9.9") is None
    assert target(name).command == ""
