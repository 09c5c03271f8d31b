from pathlib import Path

import pytest

from batchproof.build import limited_runner
from batchproof.build.limited_runner import Limits
from batchproof.build.onnxruntime import session as onnxruntime_session
from batchproof.build.onnxruntime.session import SessionBuild, build
from batchproof.errors import InputError, StepFailedError, StoreError
from batchproof.profile import Profile
from batchproof.runtime import OnnxRuntimeRunner, open_session
from batchproof.verdict import Status
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC

PROFILE = Profile(1, 3, 8, height=64, width=96)


def build_tiny(model: Path, limits: Limits | None = None, tolerance: float = 1e-5) -> SessionBuild:
    output = model.with_suffix(".ort")
    return build(model, output, profile=PROFILE, spec=SPEC, subject="tiny", tolerance=tolerance, limits=limits)


@pytest.mark.parametrize(("dtype", "tolerance"), [("fp32", 1e-5), ("fp16", 1e-2)])
def test_a_session_is_written_and_executed_at_every_batch(
    tmp_path: Path, dtype: tiny_graphs.Type, tolerance: float
) -> None:
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx", dtype=dtype), tolerance=tolerance)
    assert [(verdict.check, verdict.status) for verdict in built.verdicts] == [
        ("build.executes", Status.PASS),
        ("build.equals_onnx", Status.PASS),
    ]
    assert list(built.notes["executed"]) == ["1", "3", "8"]
    assert built.notes["bytes"] == (tmp_path / "tiny.ort").stat().st_size > 0
    assert ("FP16" in built.verdicts[0].reason) == (dtype == "fp16")


def test_a_flattened_batch_fails_and_names_output_and_batch(tmp_path: Path) -> None:
    executes = build_tiny(tiny_graphs.detector(tmp_path / "flat.onnx", tail="flat")).verdicts[0]
    assert executes.status is Status.FAIL
    assert executes.reason == "output 'score_8' is [96, 1] for 1 images"
    assert executes.witness == "N=1"


def test_values_that_are_not_finite_fail(tmp_path: Path) -> None:
    executes, equals = build_tiny(tiny_graphs.not_finite(tmp_path / "zero.onnx")).verdicts
    assert executes.status is Status.FAIL
    assert "holds NaN or Inf" in executes.reason
    assert (equals.status, equals.figure) == (Status.NOT_RUN, None)


def test_a_batch_that_the_graph_refuses_fails(tmp_path: Path) -> None:
    executes = build_tiny(tiny_graphs.detector(tmp_path / "fixed.onnx", batch=1)).verdicts[0]
    assert executes.status is Status.FAIL
    assert executes.witness == "N=3"
    assert "cannot run a batch of shape [3, 3, 64, 96]" in executes.reason


def test_a_difference_above_the_tolerance_fails(tmp_path: Path) -> None:
    equals = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"), tolerance=-1.0).verdicts[1]
    assert equals.status is Status.FAIL
    assert equals.witness == "output 'score_8', N=1"


def test_a_batch_that_needs_too_much_memory_is_not_run_and_says_so(tmp_path: Path) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    room_for_three = 3 * 2 * (3 * 3 * 64 * 96 * 4)
    executes, skipped, _ = build_tiny(model, Limits(memory_bytes=room_for_three)).verdicts
    assert executes.status is Status.PASS
    assert skipped.status is Status.NOT_RUN
    assert skipped.reason.startswith("N=8 was not executed: ONNX Runtime would need about")


def test_a_batch_that_takes_too_long_is_not_run_and_says_so(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"), Limits(seconds=0.0))
    assert [verdict.status for verdict in built.verdicts].count(Status.NOT_RUN) == 2
    assert "ONNX Runtime would take about" in built.verdicts[1].reason
    assert list(built.notes["executed"]) == ["1"]


def test_nothing_executed_means_nothing_compared(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"), Limits(memory_bytes=0))
    assert {verdict.status for verdict in built.verdicts} == {Status.NOT_RUN}


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "damaged.onnx"
    model.write_bytes(tiny_graphs.detector(tmp_path / "tiny.onnx").read_bytes()[:-100])
    with pytest.raises(InputError, match=r"damaged\.onnx"):
        build_tiny(model)
    assert not model.with_suffix(".ort").exists()


def test_an_operator_that_onnx_runtime_lacks_fails_the_step(tmp_path: Path) -> None:
    model = tiny_graphs.with_foreign_operator(tmp_path / "foreign.onnx")
    with pytest.raises(StepFailedError, match="FaceMagic"):
        build_tiny(model)
    assert not model.with_suffix(".ort").exists()


def test_an_unwritable_output_is_refused(tmp_path: Path) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    output = tmp_path / "absent" / "tiny.ort"
    with pytest.raises(StoreError, match="cannot be written"):
        build(model, output, profile=PROFILE, spec=SPEC, subject="tiny", tolerance=1e-5)


def test_the_session_file_is_compared_with_the_onnx_file_without_optimiser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, bool]] = []

    class Spy(OnnxRuntimeRunner):
        def __init__(self, model: Path, *, optimised: bool = True) -> None:
            opened.append((model.suffix, optimised))
            super().__init__(model, optimised=optimised)

    for module in (onnxruntime_session, limited_runner):
        monkeypatch.setattr(module, "OnnxRuntimeRunner", Spy)
    build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    assert opened == [(".ort", True), (".onnx", False)]


def test_a_session_file_of_another_graph_is_exposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tiny_graphs.detector(tmp_path / "other.onnx", weights_seed=1)

    def write_other(model: Path, *, save_to: Path) -> object:
        return open_session(other, save_to=save_to)

    monkeypatch.setattr(onnxruntime_session, "open_session", write_other)
    _, equals = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx")).verdicts
    assert equals.status is Status.FAIL
    assert equals.figure is not None
    assert equals.figure > 1e-3
