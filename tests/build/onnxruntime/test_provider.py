"""On this machine the CPU's own provider does what a GPU's would, and Azure's is one that executes nothing."""

from pathlib import Path

import pytest

from batchproof.build.execution import Execution
from batchproof.build.limited_runner import Limits
from batchproof.build.onnxruntime import provider as onnxruntime_provider
from batchproof.build.onnxruntime.provider import ProviderRun, execute
from batchproof.errors import InputError, StepFailedError, StepNotRunError
from batchproof.profile import Profile
from batchproof.providers import Obstacle
from batchproof.runtime import CPU, CUDA, TENSORRT
from batchproof.verdict import Status, Verdict
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC

PROFILE = Profile(1, 3, 8, 64, 96, smallest=(32, 32), largest=(64, 128))
AZURE = "AzureExecutionProvider"


def run(model: Path, provider: str = CPU, tolerance: float = 1e-5, limits: Limits | None = None) -> ProviderRun:
    return execute(
        model, provider=provider, profile=PROFILE, spec=SPEC, subject="tiny", tolerance=tolerance, limits=limits
    )


def verdict(built: ProviderRun, check: str) -> Verdict:
    return next(verdict for verdict in built.verdicts if verdict.check == check)


@pytest.mark.parametrize(("dtype", "tolerance"), [("fp32", 1e-5), ("fp16", 1e-2)])
def test_every_shape_of_the_profile_is_executed_and_compared(
    tmp_path: Path, dtype: tiny_graphs.Type, tolerance: float
) -> None:
    built = run(tiny_graphs.detector(tmp_path / "tiny.onnx", dtype=dtype), tolerance=tolerance)
    assert [(verdict.check, verdict.status) for verdict in built.verdicts] == [
        ("build.provider", Status.PASS),
        ("build.executes", Status.PASS),
        ("build.equals_onnx", Status.PASS),
    ]
    assert list(built.summary.notes["executed"]) == ["1x3x32x32", "3x3x64x96", "8x3x64x128"]
    assert built.summary.kernels == built.summary.all_kernels > 2
    assert verdict(built, "build.provider").figure == 1.0


def test_a_provider_that_does_not_work_is_not_run_and_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(StepNotRunError, match=r"Install batchproof\[gpu\]"):
        run(tiny_graphs.detector(tmp_path / "tiny.onnx"), provider=CUDA)


def test_a_session_whose_provider_gets_no_kernel_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime_provider, "obstacle", lambda provider: None)
    built = run(tiny_graphs.detector(tmp_path / "tiny.onnx"), provider=AZURE)
    assert [(verdict.check, verdict.status) for verdict in built.verdicts] == [("build.provider", Status.FAIL)]
    assert "executed 0 of" in built.verdicts[0].reason
    assert "on the CPU: Cast, " in built.verdicts[0].reason


def test_what_a_provider_leaves_to_the_cpu_is_named_and_no_failure() -> None:
    ran = [(CUDA, "Conv"), (CUDA, "Relu"), (CUDA, "Conv"), (CPU, "Shape")]
    placed = onnxruntime_provider._placement(CUDA, ran, "tiny")
    assert (placed.status, placed.figure) == (Status.PASS, 0.75)
    assert placed.reason == "CUDAExecutionProvider executed 3 of 4 kernels; on the CPU: Shape"


def test_a_flattened_batch_fails_and_names_output_and_shape(tmp_path: Path) -> None:
    executes = verdict(run(tiny_graphs.detector(tmp_path / "flat.onnx", tail="flat")), "build.executes")
    assert (executes.status, executes.witness) == (Status.FAIL, "1x3x32x32")
    assert executes.reason == "output 'score_8' is [16, 1] for 1 images"


def test_a_batch_that_the_graph_refuses_fails(tmp_path: Path) -> None:
    executes = verdict(run(tiny_graphs.detector(tmp_path / "fixed.onnx", batch=1)), "build.executes")
    assert (executes.status, executes.witness) == (Status.FAIL, "3x3x64x96")


def test_a_difference_above_the_tolerance_fails(tmp_path: Path) -> None:
    equals = verdict(run(tiny_graphs.detector(tmp_path / "tiny.onnx"), tolerance=-1.0), "build.equals_onnx")
    assert equals.status is Status.FAIL
    assert equals.witness is not None
    assert equals.witness.startswith("output 'score_8', ")


def test_what_the_cpu_has_no_memory_for_is_not_compared(tmp_path: Path) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    equals = verdict(run(model, limits=Limits(memory_bytes=0)), "build.equals_onnx")
    assert equals.status is Status.NOT_RUN
    assert "ONNX Runtime would need about" in equals.reason


def test_what_the_device_has_no_memory_for_is_not_run() -> None:
    executions = [
        Execution(0, (1, 3, 8, 8), 0.1, difference=0.0, witness="score_8"),
        Execution(0, (8, 3, 8, 8), skipped="CUDA out of memory"),
    ]
    built = onnxruntime_provider._run(CUDA, executions, [(CUDA, "Conv")], 1e-5, "tiny")
    executes, skipped = (found for found in built.verdicts if found.check == "build.executes")
    assert executes.status is Status.PASS
    assert (skipped.status, skipped.reason) == (Status.NOT_RUN, "8x3x8x8 was not executed: CUDA out of memory")


def test_an_infinite_difference_fails_without_a_figure() -> None:
    executions = [Execution(0, (1, 3, 8, 8), 0.1, difference=float("inf"), witness="score_8")]
    equals = verdict(onnxruntime_provider._run(CUDA, executions, [(CUDA, "Conv")], 1e-5, "tiny"), "build.equals_onnx")
    assert (equals.status, equals.figure) == (Status.FAIL, None)


def test_tensorrt_is_told_the_profile() -> None:
    options = onnxruntime_provider.provider_options(TENSORRT, "input.1", PROFILE.input_shapes(SPEC))
    assert options == {
        "trt_profile_min_shapes": "input.1:1x3x32x32",
        "trt_profile_opt_shapes": "input.1:3x3x64x96",
        "trt_profile_max_shapes": "input.1:8x3x64x128",
    }


def test_a_profile_that_does_not_fit_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime_provider, "obstacle", lambda provider: Obstacle("asked", "too early"))
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    with pytest.raises(InputError, match="no multiple of 32"):
        execute(model, provider=CPU, profile=Profile(1, 1, 1, 50, 50), spec=SPEC, subject="tiny", tolerance=1.0)


def test_an_operator_that_onnx_runtime_lacks_fails_the_step(tmp_path: Path) -> None:
    with pytest.raises(StepFailedError, match="FaceMagic"):
        run(tiny_graphs.with_foreign_operator(tmp_path / "foreign.onnx"))
