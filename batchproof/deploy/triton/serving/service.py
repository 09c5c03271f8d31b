"""Requests in, answers out: together where they can be, so that batches are full, and each for itself where not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from numpy.typing import NDArray

from batchproof.deploy.triton.serving.answers import Answer, AnswerSheet
from batchproof.deploy.triton.serving.frames import pictures_of
from batchproof.deploy.triton.serving.parameters import Parameters
from batchproof.deploy.triton.serving.pipeline_file import Network, ServedPipeline
from batchproof.errors import BatchproofError, StepFailedError
from batchproof.pipeline.attributes import AttributeReader
from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.detect import Detector, check_input_size
from batchproof.pipeline.embed import Embedder
from batchproof.pipeline.face_pipeline import FacePipeline, Faces
from batchproof.pipeline.landmarks import Landmarker
from batchproof.pipeline.picture import Pixels
from batchproof.runtime import Runner
from batchproof.zoo.spec import ModelSpec

Given = TypeVar("Given")
Result = TypeVar("Result")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """The tensors of one request, None for an input that it lacks, and the names of the outputs that it wants."""

    frame: NDArray[Any] | None
    image: NDArray[Any] | None
    wanted: Sequence[str]


@dataclass(frozen=True)
class FaceService:
    """Answers many requests at once; none of them notices the others."""

    pipeline: FacePipeline
    sheet: AnswerSheet
    parameters: Parameters

    def serve(self, requests: Sequence[Request]) -> list[Answer | BatchproofError]:
        """Answer each request, in their order: its outputs, or why there are none (`InputError`: its own fault).

        The frames of all requests go through the pipeline together. When that fails, each request goes alone, so that
        only the one that is to blame gets the error.
        """
        pictures = [_outcome(self._pictures, request) for request in requests]
        found = iter(self._faces([taken for taken in pictures if not isinstance(taken, BatchproofError)]))
        faces = [taken if isinstance(taken, BatchproofError) else next(found) for taken in pictures]
        return [
            own if isinstance(own, BatchproofError) else _outcome(partial(self.sheet.fill, own), request.wanted)
            for own, request in zip(faces, requests, strict=True)
        ]

    def _pictures(self, request: Request) -> list[Pixels]:
        return pictures_of(request.frame, request.image, self.parameters)

    def _faces(self, pictures: Sequence[list[Pixels]]) -> Sequence[list[Faces] | BatchproofError]:
        together = _outcome(self._together, pictures)
        if not isinstance(together, BatchproofError):
            return together
        if len(pictures) == 1:
            return [together]
        return [_outcome(self.pipeline.run, own) for own in pictures]

    def _together(self, pictures: Sequence[list[Pixels]]) -> list[list[Faces]]:
        found = iter(self.pipeline.run([picture for own in pictures for picture in own]))
        return [[next(found) for _ in own] for own in pictures]


def face_service(served: ServedPipeline, parameters: Parameters, runner_of: Callable[[Network], Runner]) -> FaceService:
    """Put the pipeline together; `runner_of` says what executes a network.

    Raises `InputError` when the networks do not fit together, or the detector does not take frames of this size.
    """
    return FaceService(_pipeline(served, parameters, runner_of), AnswerSheet(served), parameters)


def _pipeline(served: ServedPipeline, parameters: Parameters, runner_of: Callable[[Network], Runner]) -> FacePipeline:
    def parts(network: Network) -> tuple[Runner, ModelSpec, int]:
        return runner_of(network), network.spec, network.batch

    detector, attributes = served.detector, served.attributes
    check_input_size(detector.spec.input, parameters.height, parameters.width)
    settings = DetectionSettings(parameters.height, parameters.width, parameters.threshold, parameters.iou)
    return FacePipeline(
        Detector(runner_of(detector), detector.spec, settings, detector.batch, parameters.max_num),
        Embedder(*parts(served.embedder)),
        [Landmarker(*parts(head)) for head in served.landmarkers],
        None if attributes is None else AttributeReader(*parts(attributes)),
    )


def _outcome(work: Callable[[Given], Result], given: Given) -> Result | BatchproofError:
    """Return what `work` makes of `given` or, instead of raising it, the error that ended it."""
    try:
        return work(given)
    except BatchproofError as error:
        return error
    except Exception as error:  # whatever it is, it must not become the answer to the neighbours
        _LOG.exception("a request has failed unexpectedly")
        return StepFailedError(f"unexpected {type(error).__name__} ({error})", remedy="See the server's log")
