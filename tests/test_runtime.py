import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from batchproof import runtime
from batchproof.errors import StepFailedError, StepNotRunError
from batchproof.runtime import CPU, CUDA, TENSORRT, OnnxRuntimeRunner, noise, open_session, thread_options
from tests.build import tiny_graphs

IMAGES = noise(tiny_graphs.SPEC.input, 2, 64, 64)


class GpuPackage:
    """onnxruntime-gpu where its libraries do not load: takes any provider, and opens a session on the CPU."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.preloaded = 0

    def module(self) -> SimpleNamespace:
        return SimpleNamespace(
            SessionOptions=onnxruntime.SessionOptions,
            GraphOptimizationLevel=onnxruntime.GraphOptimizationLevel,
            InferenceSession=self._session,
            preload_dlls=self._preload,
        )

    def _session(self, model: str, options: object, **asked: Any) -> onnxruntime.InferenceSession:
        self.asked.append(asked)
        return onnxruntime.InferenceSession(model, options, providers=[CPU])

    def _preload(self) -> None:
        print("Failed to load libcublas.so")
        self.preloaded += 1


@pytest.fixture
def gpu_package(monkeypatch: pytest.MonkeyPatch) -> GpuPackage:
    package = GpuPackage()
    monkeypatch.setattr(runtime, "onnxruntime_module", package.module)
    return package


def test_the_cpu_is_the_default(tmp_path: Path) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    runner = OnnxRuntimeRunner(model)
    assert runner.name == "onnxruntime cpu, optimised"
    again = OnnxRuntimeRunner(model.read_bytes(), optimised=False, provider=CPU)
    assert again.name == "onnxruntime cpu, not optimised"
    np.testing.assert_allclose(runner.infer(IMAGES)["score_8"], again.infer(IMAGES)["score_8"], atol=1e-5)


def test_a_session_that_falls_back_to_the_cpu_is_refused(tmp_path: Path, gpu_package: GpuPackage) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    with pytest.raises(StepNotRunError, match="asked for CUDAExecutionProvider and silently runs on the CPU"):
        OnnxRuntimeRunner(model, provider=CUDA)


def test_cuda_is_asked_for_without_tf32_and_without_the_fallback(tmp_path: Path, gpu_package: GpuPackage) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    with pytest.raises(StepNotRunError):
        open_session(model, provider=CUDA, options={"device_id": "1"})
    providers = [(CUDA, {"use_tf32": "0", "device_id": "1"}), CPU]
    assert gpu_package.asked == [{"providers": providers, "enable_fallback": False}]


@pytest.mark.parametrize(("provider", "times"), [(CUDA, 1), (TENSORRT, 1), (CPU, 0)])
def test_cuda_of_pip_is_loaded_first_and_what_it_prints_is_no_output(
    tmp_path: Path, gpu_package: GpuPackage, capsys: pytest.CaptureFixture[str], provider: str, times: int
) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    if provider == CPU:
        open_session(model)
    else:
        with pytest.raises(StepNotRunError):
            open_session(model, provider=provider)
    assert gpu_package.preloaded == times
    assert capsys.readouterr().out == ""


def test_a_trace_names_the_provider_of_every_kernel(tmp_path: Path) -> None:
    runner = OnnxRuntimeRunner(tiny_graphs.detector(tmp_path / "tiny.onnx"), trace_to=tmp_path / "trace")
    runner.infer(IMAGES)
    trace = runner.end_trace()
    assert trace.parent == tmp_path
    events = json.loads(trace.read_text())
    ran = [event["args"] for event in events if event["cat"] == "Node"]
    assert {args["provider"] for args in ran} == {CPU}
    assert "Conv" in {args["op_name"] for args in ran}


def test_a_batch_that_does_not_fit_is_refused_with_the_sentence_of_onnx_runtime(tmp_path: Path) -> None:
    runner = OnnxRuntimeRunner(tiny_graphs.detector(tmp_path / "fixed.onnx", batch=1))
    with pytest.raises(StepFailedError, match=r"batch of shape \[2, 3, 64, 64\] .*[Dd]imension"):
        runner.infer(IMAGES)


def test_a_model_that_does_not_load_is_named(tmp_path: Path) -> None:
    model = tiny_graphs.with_foreign_operator(tmp_path / "foreign.onnx")
    with pytest.raises(StepFailedError, match=r"foreign\.onnx: ONNX Runtime cannot load this model .*FaceMagic"):
        OnnxRuntimeRunner(model)


def test_a_bound_batch_is_computed_each_time_and_nothing_else_is(tmp_path: Path) -> None:
    runner = OnnxRuntimeRunner(tiny_graphs.detector(tmp_path / "tiny.onnx"), trace_to=tmp_path / "trace")
    run = runner.bound(IMAGES, runner.infer(IMAGES))
    run()
    run()
    events = json.loads(runner.end_trace().read_text())
    names = [event["name"] for event in events if event.get("cat") == "Session"]
    assert names.count("model_run") == 3


def test_threads_are_those_of_the_session(tmp_path: Path) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    assert open_session(model, threads=3).get_session_options().intra_op_num_threads == 3
    assert open_session(model).get_session_options().intra_op_num_threads == 0


def test_our_threads_wait_without_spinning_unless_asked(tmp_path: Path) -> None:
    entry = "session.intra_op.allow_spinning"
    session = open_session(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    assert session.get_session_options().get_session_config_entry(entry) == "0"
    assert thread_options(None, spin=True).get_session_config_entry(entry) == "1"


def test_a_bound_batch_that_cannot_run_is_told_in_one_sentence(tmp_path: Path) -> None:
    runner = OnnxRuntimeRunner(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    outputs = runner.infer(IMAGES)
    other = {name: values[:1] for name, values in outputs.items()}
    with pytest.raises(StepFailedError, match="ONNX Runtime cannot run a batch of shape"):
        runner.bound(IMAGES, other)()
