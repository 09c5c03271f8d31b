import pytest

from batchproof.build.tensorrt.summary import guard_precision, half_share
from batchproof.errors import StepFailedError


def test_an_fp16_request_with_float_tensors_is_a_silent_fp32_engine() -> None:
    with pytest.raises(StepFailedError) as caught:
        guard_precision({"FLOAT": 128, "INT64": 80}, "fp16")
    assert "FP16 engine was asked for, but 128 of its 128 floating-point tensors are FP32" in caught.value.line()
    assert "surgery --fp16" in caught.value.line()


def test_half_of_the_tensors_is_not_mostly() -> None:
    with pytest.raises(StepFailedError):
        guard_precision({"FLOAT": 10, "HALF": 10}, "fp16")
    guard_precision({"FLOAT": 10, "HALF": 11}, "fp16")


def test_one_half_tensor_is_too_many_for_fp32() -> None:
    with pytest.raises(StepFailedError, match="1 of its 10 floating-point tensors are FP16"):
        guard_precision({"FLOAT": 9, "HALF": 1}, "fp32")
    guard_precision({"FLOAT": 9}, "fp32")


def test_a_network_without_floating_point_has_no_half() -> None:
    assert half_share({"INT64": 4}) == 0.0


def test_quantised_tensors_are_neither_half_nor_float() -> None:
    guard_precision({"INT8": 500, "FLOAT": 9}, "fp32")
    guard_precision({"INT8": 500, "FP8": 7, "HALF": 9, "FLOAT": 2}, "fp16")
    with pytest.raises(StepFailedError, match="9 of its 11 floating-point tensors are FP32"):
        guard_precision({"INT8": 500, "HALF": 2, "FLOAT": 9}, "fp16")
