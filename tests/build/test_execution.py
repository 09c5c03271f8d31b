from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from batchproof.build.execution import Execution, OpenProfile, execute
from batchproof.build.limited_runner import Limits, reference
from batchproof.errors import StepFailedError
from batchproof.profile import Profile
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs, Runner
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC

PROFILES = [Profile(*batches, 64, 96).input_shapes(SPEC) for batches in ((1, 1, 1), (1, 4, 8))]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_graphs.detector(tmp_path / "tiny.onnx")


def run(opened: OpenProfile, model: Path, limits: Limits | None = None) -> list[Execution]:
    return list(execute(opened, reference(model, limits or Limits()), PROFILES, SPEC.input))


def as_engine(runner: Runner, profiles: list[int] | None = None) -> OpenProfile:
    @contextmanager
    def opened(profile: int) -> Iterator[Runner]:
        if profiles is not None:
            profiles.append(profile)
        yield runner

    return opened


def test_every_profile_is_opened_once_and_executed_at_its_distinct_shapes(model: Path) -> None:
    profiles: list[int] = []
    found = run(as_engine(OnnxRuntimeRunner(model), profiles), model)
    assert profiles == [0, 1]
    assert [(execution.profile, execution.shape[0]) for execution in found] == [(0, 1), (1, 1), (1, 4), (1, 8)]
    assert {(execution.problem, execution.difference, execution.witness) for execution in found} == {
        (None, 0.0, "score_8")
    }


def test_what_onnx_runtime_has_no_memory_for_is_executed_and_not_compared(model: Path) -> None:
    room_for_one = 3 * 2 * (3 * 64 * 96 * 4)
    found = run(as_engine(OnnxRuntimeRunner(model)), model, Limits(memory_bytes=room_for_one))
    assert [execution.difference for execution in found] == [0.0, 0.0, None, None]
    assert found[2].seconds is not None
    assert found[2].not_compared is not None
    assert found[2].not_compared.startswith("ONNX Runtime would need about")


def test_what_onnx_runtime_is_too_slow_for_is_not_compared(model: Path) -> None:
    found = run(as_engine(OnnxRuntimeRunner(model)), model, Limits(seconds=0.0))
    assert [execution.difference for execution in found] == [0.0, None, None, None]
    assert found[1].not_compared is not None
    assert found[1].not_compared.startswith("ONNX Runtime would take about")


class Refusing:
    name = "refusing"

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def infer(self, images: Blob) -> Outputs:
        raise StepFailedError(self._sentence)


@pytest.mark.parametrize("sentence", ["CUDA error: out of memory", "Error Code 2: OutOfMemory (Requested size was 9)"])
def test_a_gpu_without_memory_is_no_defect(model: Path, sentence: str) -> None:
    first = run(as_engine(Refusing(sentence)), model)[0]
    assert (first.skipped, first.problem, first.seconds) == (sentence, None, None)


def test_any_other_refusal_is_a_defect(model: Path) -> None:
    first = run(as_engine(Refusing("illegal memory access")), model)[0]
    assert (first.skipped, first.problem) == (None, "illegal memory access")


def test_a_graph_that_onnx_runtime_does_not_load_is_executed_and_not_compared(model: Path, tmp_path: Path) -> None:
    foreign = tiny_graphs.with_foreign_operator(tmp_path / "foreign.onnx")
    first = run(as_engine(OnnxRuntimeRunner(model)), foreign)[0]
    assert (first.problem, first.difference) == (None, None)
    assert first.not_compared is not None
    assert "FaceMagic" in first.not_compared


class Reshaping(OnnxRuntimeRunner):
    def infer(self, images: Blob) -> Outputs:
        return {name: output[:, :-1] for name, output in super().infer(images).items()}


def test_an_output_of_another_shape_is_a_defect_though_it_has_a_row_for_each_image(model: Path) -> None:
    first = run(as_engine(Reshaping(model)), model)[0]
    assert first.problem == "output 'score_8' is of another shape than ONNX Runtime's, or that one is not finite"
    assert first.difference is None
