"""A network that fails for one frame: only the request with that frame is told so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tritonclient.utils import InferenceServerException

from batchproof.deploy.triton.server.server import running_server
from batchproof.pipeline.pictures import Picture
from tests.deploy.triton.packs import ServedPack, with_nan_for_black
from tests.deploy.triton.repositories import Layout, lay_repository
from tests.deploy.triton.served.asking import ask_frame, ask_together, counts

pytestmark = pytest.mark.served
PATIENT = Layout(instances=1, faces_delay=500_000)


def test_nan_for_one_frame_is_the_error_of_its_request_alone(
    pack: ServedPack, pictures: list[Picture], tmp_path: Path
) -> None:
    poisoned = with_nan_for_black(pack, tmp_path)
    repository = lay_repository(tmp_path / "model_repository", pack.pipeline, poisoned.files, PATIENT)
    black = np.zeros((1, 480, 640, 3), np.uint8)
    good = [picture.pixels[None] for picture in pictures[:3]]
    with running_server(repository) as server:
        alone = [ask_frame(server, frame[0]) for frame in good]
        before = counts(server)["faces"]
        found = ask_together(server, [{"frame": frame} for frame in (good[0], black, *good[1:])])
        executions = counts(server)["faces"][1] - before[1]
    refused = found.pop(1)
    assert executions == 1, "they were to meet in one batch"
    assert isinstance(refused, InferenceServerException)
    assert "output 'score_8' is NaN or infinite for picture 0 of the batch" in str(refused)
    for answer, expected in zip(found, alone, strict=True):
        assert isinstance(answer, dict), answer
        np.testing.assert_array_equal(answer["boxes"], expected["boxes"])
        np.testing.assert_allclose(answer["embeddings"], expected["embeddings"], rtol=0, atol=1e-4)
