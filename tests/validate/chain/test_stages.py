"""The chain is the pipeline taken apart: put together it gives the pipeline's answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from batchproof.errors import StepFailedError
from batchproof.pipeline import Detector, Embedder, FacePipeline
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs
from batchproof.validate.chain.stages import STEPS, Model, isolated, walk
from tests.pipeline.tiny_scrfd import SPEC
from tests.validate.chain.tiny_chain import PICTURES, SCENE, TinyChain


def test_a_walk_ends_where_the_pipeline_ends(chain: TinyChain) -> None:
    detector, embedder = chain.ours.detector, chain.ours.embedder
    pipeline = FacePipeline(
        Detector(detector.runner, detector.spec, SCENE.detection, largest_batch=4, max_num=SCENE.max_num),
        Embedder(embedder.runner, embedder.spec),
    )
    found, taken = pipeline.run(picture.pixels for picture in PICTURES), walk(chain.ours, SCENE)
    assert not taken.failed
    assert len(found[0]) == 3
    for faces, walked in zip(found, taken.trace["faces"], strict=True):
        np.testing.assert_array_equal(faces.detections.boxes, walked.boxes)
    crops = [faces.crops for faces in found if faces.crops is not None]
    np.testing.assert_array_equal(taken.trace["crops"], np.concatenate(crops))
    units = [faces.normed_embeddings for faces in found if faces.normed_embeddings is not None]
    np.testing.assert_allclose(taken.trace["unit"], np.concatenate(units), atol=1e-6)


def test_every_stage_gives_its_own_field(chain: TinyChain) -> None:
    taken = isolated(chain.ours, SCENE, chain.theirs)
    assert not taken.failed
    assert set(STEPS) | {"scales"} == set(taken.trace) == set(chain.theirs)


class Counting:
    """Remembers the sizes of its batches."""

    name = "counting"

    def __init__(self, inner: OnnxRuntimeRunner) -> None:
        self.inner, self.batches = inner, list[int]()

    def infer(self, images: Blob) -> Outputs:
        self.batches.append(len(images))
        return self.inner.infer(images)


def test_models_run_in_their_batches(chain: TinyChain) -> None:
    runner = Counting(OnnxRuntimeRunner(chain.files[0]))
    found = Model(runner, SPEC, batch=3).infer(chain.theirs["blob"])
    assert runner.batches == [3, 1]
    np.testing.assert_allclose(found["bbox_32"], chain.theirs["outputs"]["bbox_32"], atol=1e-4)


def test_outputs_that_do_not_fit_are_refused(chain: TinyChain) -> None:
    embedder = replace(chain.ours.embedder, spec=SPEC)
    with pytest.raises(StepFailedError, match="output 'score_8' is missing"):
        embedder.infer(chain.theirs["crop_blob"])
