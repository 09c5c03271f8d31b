from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from batchproof.deploy.triton.serving.parameters import Parameters
from batchproof.deploy.triton.serving.pipeline_file import Network
from batchproof.deploy.triton.serving.service import FaceService, Request, face_service
from batchproof.errors import BatchproofError, InputError, StepFailedError
from batchproof.pipeline.picture import Pixels
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs, Runner
from tests.deploy.triton.serving.tiny_pipeline import PIPELINE
from tests.pipeline.tiny_scrfd import picture

PARAMETERS = Parameters(height=64, width=96)
WANTED = ("num_faces", "boxes", "embeddings", "landmarks_2d106det", "male")
BLACK = np.zeros((64, 96, 3), np.uint8)


@dataclass
class Watched:
    """A runner that remembers its batches, and fails for an image that is black all over."""

    runner: Runner
    failing: Exception | None = None
    batches: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.runner.name

    def infer(self, images: Blob) -> Outputs:
        self.batches.append(len(images))
        if self.failing is not None and any((image == image.min()).all() for image in images):
            raise self.failing
        return self.runner.infer(images)


@pytest.fixture
def watched(runners: dict[str, OnnxRuntimeRunner]) -> dict[str, Watched]:
    return {model: Watched(runner) for model, runner in runners.items()}


@pytest.fixture
def service(watched: dict[str, Watched]) -> FaceService:
    return face_service(PIPELINE, PARAMETERS, lambda network: watched[network.model])


def of_frame(*pixels: Pixels, wanted: tuple[str, ...] = WANTED) -> Request:
    return Request(np.stack(pixels), None, wanted)


def of_files(*contents: bytes) -> Request:
    return Request(None, np.array([[content] for content in contents], np.object_), WANTED)


def answered(found: object) -> dict[str, NDArray[Any]]:
    assert isinstance(found, dict), found
    return found


def require_same(found: object, expected: object) -> None:
    for name, array in answered(expected).items():
        np.testing.assert_allclose(answered(found)[name], array, rtol=0, atol=1e-5)


def test_frames_of_all_requests_share_batches(service: FaceService, watched: dict[str, Watched]) -> None:
    requests = [of_frame(picture(64, 96, 1), picture(64, 96, 2)), of_frame(picture(131, 77, 3))]
    together = service.serve(requests)
    assert watched["finder.fp32"].batches == [3]
    assert max(watched["knower.fp32"].batches) == 8
    for request, found in zip(requests, together, strict=True):
        assert answered(found)["num_faces"].min() > 0
        require_same(found, service.serve([request])[0])


def test_files_and_frames_meet(service: FaceService, watched: dict[str, Watched]) -> None:
    pixels = picture(64, 96, 1)
    content = bytes(cv2.imencode(".png", pixels)[1])
    framed, filed = service.serve([of_frame(pixels), of_files(content)])
    assert watched["finder.fp32"].batches == [2]
    require_same(filed, framed)


def test_pixels_that_cannot_be_written_are_fine(service: FaceService) -> None:
    pixels = picture(131, 77, 3)[None].copy()
    pixels.flags.writeable = False
    assert answered(service.serve([Request(pixels, None, WANTED)])[0])["num_faces"].min() > 0


def test_a_bad_request_is_told_so_and_costs_its_neighbours_nothing(
    service: FaceService, watched: dict[str, Watched]
) -> None:
    good = of_frame(picture(64, 96, 1))
    alone = service.serve([good])[0]
    watched["finder.fp32"].batches.clear()
    bad = [of_files(b"no picture"), Request(None, None, WANTED), of_frame(np.zeros((5000, 1, 3), np.uint8))]
    first, *refused, last = service.serve([good, *bad, good])
    assert watched["finder.fp32"].batches == [2]
    assert [type(error) for error in refused] == [InputError] * 3
    require_same(first, alone)
    require_same(last, alone)


@pytest.mark.parametrize("error", [StepFailedError("gives NaN"), RuntimeError("of a library"), MemoryError()])
def test_a_frame_that_breaks_a_batch_breaks_no_other_request(
    service: FaceService, watched: dict[str, Watched], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    good = [of_frame(picture(64, 96, seed)) for seed in (1, 2)]
    alone = [service.serve([request])[0] for request in good]
    watched["finder.fp32"].failing = error
    first, broken, last = service.serve([good[0], of_frame(BLACK), good[1]])
    assert isinstance(broken, StepFailedError)
    assert str(error) in broken.line()
    require_same(first, alone[0])
    require_same(last, alone[1])
    if not isinstance(error, BatchproofError):
        assert f"unexpected {type(error).__name__}" in broken.line()
        assert "a request has failed unexpectedly" in caplog.text


def test_a_batch_without_any_good_request_runs_nothing(service: FaceService, watched: dict[str, Watched]) -> None:
    refused = service.serve([of_files(b""), of_files(b"x")])
    assert [type(error) for error in refused] == [InputError] * 2
    assert watched["finder.fp32"].batches == []


def test_an_output_that_nobody_knows_is_an_error_of_its_request_alone(service: FaceService) -> None:
    good, unknown = service.serve([of_frame(BLACK), of_frame(BLACK, wanted=("nothing",))])
    assert set(answered(good)) == set(WANTED)
    assert isinstance(unknown, StepFailedError)


def test_the_operators_choice_counts(runners: dict[str, OnnxRuntimeRunner]) -> None:
    chosen = replace(PARAMETERS, max_num=2, threshold=0.6)
    service = face_service(PIPELINE, chosen, lambda network: runners[network.model])
    found = answered(service.serve([of_frame(picture(64, 96, 1), wanted=("num_faces", "scores"))])[0])
    assert found["num_faces"].tolist() == [[2]]
    assert found["scores"].min() >= 0.6


def test_a_size_that_the_detector_does_not_take_is_refused_before_any_request() -> None:
    def runner_of(network: Network) -> Runner:
        raise AssertionError(network)

    with pytest.raises(InputError, match=r"100x64 pixels do not suit this model\. Choose positive multiples of 32"):
        face_service(PIPELINE, replace(PARAMETERS, width=100), runner_of)
