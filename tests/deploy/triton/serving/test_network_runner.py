from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from batchproof.deploy.triton.serving.network_runner import NetworkRunner
from batchproof.errors import StepFailedError
from tests.deploy.triton.serving.tiny_pipeline import PIPELINE
from tests.deploy.triton.serving.triton_stand_in import Triton

IMAGES = np.zeros((2, 3, 112, 112), np.float32)


def runner(triton: Triton) -> NetworkRunner:
    return NetworkRunner(PIPELINE.embedder, triton.module())


def test_outputs_come_by_name() -> None:
    expected = np.arange(16, dtype=np.float32).reshape(2, 8)
    triton = Triton({"knower.fp32": lambda images: {"embedding": expected, "more": images}})
    found = runner(triton).infer(IMAGES)
    assert list(found) == ["embedding"]
    np.testing.assert_array_equal(found["embedding"], expected)
    assert triton.asked == [("knower.fp32", 2)]


def test_the_servers_sentence_is_kept() -> None:
    def failing(images: np.ndarray) -> dict[str, Any]:
        raise RuntimeError("Stub process is not healthy.")

    with pytest.raises(StepFailedError, match=r"^model 'knower\.fp32': Stub process is not healthy\.$"):
        runner(Triton({"knower.fp32": failing})).infer(IMAGES)


def test_a_model_that_is_not_there_is_named() -> None:
    with pytest.raises(StepFailedError, match=r"^model 'knower\.fp32': Request for unknown model"):
        runner(Triton()).infer(IMAGES)
