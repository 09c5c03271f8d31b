from __future__ import annotations

import sys
from pathlib import Path

import pytest

from batchproof.deploy.triton.client.faces_client import Wishes
from batchproof.errors import MissingDependencyError
from tests.deploy.triton.client.asked import asked
from tests.deploy.triton.client.fake_faces import FakeFaces
from tests.deploy.triton.client.serving import SCHEMES, serving

both = pytest.mark.parametrize("scheme", SCHEMES)


@both
def test_a_run_says_what_it_has_cost(scheme: str, tmp_path: Path) -> None:
    faces = FakeFaces(answered=100, delay=0.02)
    with serving(scheme, faces) as server:
        found, cost = asked(server.url, tmp_path, 12, 0, Wishes(requests=3))
    assert all(outcome.error is None for outcome in found)
    assert faces.most_in_flight == 3
    assert [(model.model, model.requests, model.batches) for model in cost.models] == [("faces", 12, {1: 12})]
    assert cost.unknown is None
    assert cost.seconds > 12 / 3 * 0.02


def test_a_server_that_does_not_count_answers_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = FakeFaces()
    monkeypatch.setattr(faces, "statistics", lambda: 1 / 0)
    with serving("http", faces) as server:
        found, cost = asked(server.url, tmp_path, 3, 0, Wishes())
    assert [outcome.error for outcome in found] == [None] * 3
    assert (cost.models, cost.unknown is not None) == ([], True)


def test_without_opencv_frames_are_refused_once_and_files_are_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving("http", FakeFaces()) as server:
        for name in [name for name in sys.modules if name.startswith("batchproof.pipeline")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "cv2", None)
        ((outcome,), _) = asked(server.url, tmp_path, 1, 0, Wishes("files"))
        assert outcome.error is None
        with pytest.raises(MissingDependencyError, match="opencv-python"):
            asked(server.url, tmp_path, 1, 0, Wishes("frames"))
