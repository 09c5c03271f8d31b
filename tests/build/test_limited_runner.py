import time
from pathlib import Path

import onnx
import pytest

from batchproof.build.activation_memory import peak_activation_bytes
from batchproof.build.limited_runner import LimitedRunner, Limits, TooCostlyError, reference
from batchproof.errors import InputError
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs, Runner, noise
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC

IMAGES = noise(SPEC.input, 2, 64, 96)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_graphs.detector(tmp_path / "tiny.onnx")


def test_what_the_limits_allow_is_run(model: Path) -> None:
    enough = 3 * peak_activation_bytes(onnx.load(model), IMAGES.shape)
    found = reference(model, Limits(memory_bytes=enough)).infer(IMAGES)
    assert (found["score_8"] == OnnxRuntimeRunner(model).infer(IMAGES)["score_8"]).all()


def test_what_needs_too_much_memory_is_not_even_opened(model: Path) -> None:
    def opened() -> Runner:
        raise AssertionError("opened")

    graph = onnx.load(model)
    short = Limits(memory_bytes=3 * peak_activation_bytes(graph, IMAGES.shape) - 1)
    with pytest.raises(TooCostlyError, match=r"would need about 0\.0 GB of memory, the limit is 0\.0 GB"):
        LimitedRunner(opened, graph, short).infer(IMAGES)


def test_how_long_a_batch_takes_is_told_by_the_one_before(model: Path) -> None:
    runner = reference(model, Limits(seconds=0.0))
    runner.infer(IMAGES)
    with pytest.raises(TooCostlyError, match="would take about 0 s, the limit is 0 s"):
        runner.infer(IMAGES)


def test_the_optimiser_may_be_off(model: Path) -> None:
    assert reference(model, Limits()).name == "onnxruntime cpu, optimised"
    assert reference(model, Limits(), optimised=False).name == "onnxruntime cpu, not optimised"


def test_what_is_no_onnx_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        reference(tmp_path / "absent.onnx", Limits())


class Cold:
    """Takes a quarter of a second for what it has not run before, as a GPU that chooses its algorithms."""

    name = "cold"

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def infer(self, images: Blob) -> Outputs:
        if images.shape not in self.seen:
            time.sleep(0.25)
        self.seen.append(images.shape)
        return {}


def test_what_is_done_once_for_a_shape_is_not_held_against_larger_ones(model: Path) -> None:
    limits = Limits(seconds=0.3)
    cold = LimitedRunner(Cold, onnx.load(model), limits)
    cold.infer(IMAGES[:1])
    with pytest.raises(TooCostlyError):
        cold.infer(IMAGES)
    runner = Cold()
    warm = LimitedRunner(lambda: runner, onnx.load(model), limits, warmed_up=True)
    warm.infer(IMAGES[:1])
    warm.infer(IMAGES)
    assert [shape[0] for shape in runner.seen] == [1, 1, 2, 2]
