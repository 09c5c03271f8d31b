from __future__ import annotations

import threading
from pathlib import Path

import pytest

from batchproof.deploy.triton.client import insisting
from batchproof.deploy.triton.client.faces_client import Send, Wishes
from tests.deploy.triton.client.asked import asked
from tests.deploy.triton.client.fake_faces import FakeFaces
from tests.deploy.triton.client.serving import SCHEMES, serving

both = pytest.mark.parametrize("scheme", SCHEMES)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insisting, "_FIRST_PAUSE", 0.1)


@both
@pytest.mark.parametrize("send", ["files", "shared-memory"])
def test_a_server_that_comes_back_loses_nothing(scheme: str, send: Send, tmp_path: Path) -> None:
    faces = FakeFaces(delay=0.05)
    with serving(scheme, faces) as server:
        timers = [threading.Timer(0.15, server.stop), threading.Timer(0.4, server.start_anew)]
        for timer in timers:
            timer.start()
        found, _ = asked(server.url, tmp_path, 12, 7, Wishes(send, requests=2))
        for timer in timers:
            timer.join()
    assert [outcome.error for outcome in found if outcome.error] == []
    assert faces.regions == {}


@both
def test_a_server_that_has_gone_is_given_up_soon_and_every_picture_says_so(scheme: str, tmp_path: Path) -> None:
    faces = FakeFaces(delay=0.05)
    with serving(scheme, faces) as server:
        timer = threading.Timer(0.3, server.stop)
        timer.start()
        found, cost = asked(server.url, tmp_path, 100, 2, Wishes(requests=2))
        timer.join()
        server.start_anew()
    errors = [str(outcome.error) for outcome in found if outcome.error]
    assert len(errors) == 100 - faces.answered >= 50
    assert sum("not asked, the server has gone" in error for error in errors) > 80 - faces.answered
    assert cost.unknown is not None
    assert "no answer" in cost.unknown


@both
def test_one_question_that_is_never_answered_is_not_the_end_of_the_others(scheme: str, tmp_path: Path) -> None:
    """The server is ready, and one request does not come back in time."""

    class Stuck(FakeFaces):
        async def infer(self, *args: object) -> object:  # type: ignore[override]
            self.delay = 0.6 if not self.asked else 0.0
            return await super().infer(*args)  # type: ignore[arg-type]

    faces = Stuck()
    with serving(scheme, faces) as server:
        found, _ = asked(server.url, tmp_path, 6, 0, Wishes(requests=1, timeout=0.4))
    assert [outcome.item.name for outcome in found if outcome.error] == ["0.png"]
    assert len(found) == 6
