import sys
from pathlib import Path

import pytest

from batchproof.build.tensorrt import engine as tensorrt_engine
from batchproof.build.tensorrt import process as tensorrt_process
from batchproof.build.tensorrt.compat import Backend
from batchproof.build.tensorrt.engine import build
from batchproof.build.tensorrt.summary import EngineSummary
from batchproof.build.tensorrt.verdicts import verdicts
from batchproof.engine_options import EngineOptions
from batchproof.profile import EngineProfiles
from batchproof.verdict import Status, Verdict
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC

ROOT = Path(__file__).parents[3]


def build_on(
    monkeypatch: pytest.MonkeyPatch, model: Path, stand_in: str, *, profiles: str = "1+1,4,8", backend: Backend = "rtx"
) -> EngineSummary:
    """Build with a worker that believes in a GPU, as `stand_in` prepares it."""
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.build.tensorrt import gpu_stand_in as s"
    code = f"{start}; {stand_in}; s.main()"
    monkeypatch.setattr(tensorrt_process, "WORKER_COMMAND", (sys.executable, "-c", code))
    monkeypatch.setattr(tensorrt_engine, "missing", lambda backend: None)
    return build(
        model,
        model.with_suffix(".engine"),
        backend=backend,
        precision="fp32",
        profiles=EngineProfiles.parse(profiles, height=64, width=96),
        options=EngineOptions(),
        timing_cache=None,
        spec=SPEC,
    )


def executed(built: EngineSummary) -> list[Verdict]:
    return list(verdicts(built, 1e-4, "tiny"))[2:]


def test_an_engine_is_executed_at_every_shape_of_every_profile_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    built = build_on(monkeypatch, model, f"s.executing({str(model)!r})", profiles="1+1,4,8@64x64,64x96,96x96")
    executes, equals = executed(built)
    assert (executes.check, executes.status) == ("build.executes", Status.PASS)
    assert (equals.check, equals.status, equals.figure) == ("build.equals_onnx", Status.PASS, 0.0)
    on_gpu = built.on_gpu
    assert on_gpu.layer_types == {"FP32": 1, "FP16": 1, "UNKNOWN": 1}
    assert [(found.profile, found.shape) for found in on_gpu.executions] == [
        (0, (1, 3, 64, 96)),
        (1, (1, 3, 64, 64)),
        (1, (4, 3, 64, 96)),
        (1, (8, 3, 96, 96)),
    ]


def test_an_engine_that_computes_something_else_is_exposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    other = tiny_graphs.detector(tmp_path / "other.onnx", weights_seed=1)
    executes, equals = executed(build_on(monkeypatch, model, f"s.executing({str(other)!r})"))
    assert executes.status is Status.PASS
    assert equals.status is Status.FAIL
    assert equals.figure is not None
    assert equals.figure > 1e-3
    assert equals.witness is not None
    assert equals.witness.startswith("output 'score_8', profile ")


def test_an_engine_that_flattens_the_batch_is_exposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    flat = tiny_graphs.detector(tmp_path / "flat.onnx", tail="flat")
    executes, equals = executed(build_on(monkeypatch, model, f"s.executing({str(flat)!r})"))
    assert (executes.status, executes.reason) == (Status.FAIL, "output 'score_8' is [96, 1] for 1 images")
    assert executes.witness == "profile 0 at 1x3x64x96"
    assert equals.status is Status.NOT_RUN


def test_an_engine_that_refuses_a_shape_of_its_profile_fails_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    executes, equals = executed(build_on(monkeypatch, model, f"s.executing({str(model)!r})", profiles="1,4,8"))
    assert (executes.status, executes.witness) == (Status.FAIL, "profile 0 at 4x3x64x96")
    assert executes.reason == "dimension 0 of (4, 3, 64, 96) is above the maximum of profile 0"
    assert equals.status is Status.PASS
    assert "at profile 0 at 1x3x64x96," in equals.reason


def test_an_engine_that_does_not_load_fails_in_the_words_of_tensorrt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real: TensorRT-RTX is told of a GPU that is not there."""
    (executes,) = executed(build_on(monkeypatch, tiny_graphs.detector(tmp_path / "tiny.onnx"), "s.with_a_gpu()"))
    assert (executes.check, executes.status) == ("build.executes", Status.FAIL)
    assert executes.reason.startswith("the engine does not load: ")
    assert "CUDA" in executes.reason


def test_an_engine_of_another_version_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    stand_in = "s.under_the_name_of_tensorrt(); s.with_a_gpu()"
    (executes,) = executed(build_on(monkeypatch, model, stand_in, backend="tensorrt"))
    assert executes.reason.endswith("was written by TensorRT-RTX 1.7.1.116, and TensorRT 10.9.0.34 is installed")
