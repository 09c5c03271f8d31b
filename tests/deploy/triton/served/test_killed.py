"""What is left of a server, and of a model, that is killed."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tritonclient.utils import InferenceServerException

from batchproof.deploy.triton.server import shared_memory
from batchproof.deploy.triton.server.server import RunningServer, running_server
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import Picture
from tests.deploy.triton.served.asking import Answer, ask_frame, ask_together
from tests.deploy.triton.served.processes import processes, require_ended, stubs

pytestmark = pytest.mark.served
CLIENTS, PATIENCE = 8, 60.0

Outcomes = list[Answer | InferenceServerException]


def keep_asking(server: RunningServer, pixels: Pixels, outcomes: Outcomes) -> None:
    """Ask again and again, until there have been two errors."""
    while sum(isinstance(outcome, InferenceServerException) for outcome in outcomes) < 2:
        outcomes += ask_together(server, [{"frame": pixels[None]}])


def wait_for_an_answer_each(outcomes: list[Outcomes]) -> None:
    until = time.monotonic() + PATIENCE
    while not all(outcomes):
        assert time.monotonic() < until, "a client waits for its first answer for ever"
        time.sleep(0.05)


def test_a_killed_server_fails_what_is_in_flight_and_leaves_nothing(repository: Path, pictures: list[Picture]) -> None:
    pixels = pictures[0].pixels
    outcomes: list[Outcomes] = [[] for _ in range(CLIENTS)]
    with running_server(repository) as server, ThreadPoolExecutor(CLIENTS) as clients:
        expected, models = ask_frame(server, pixels), stubs(server)
        asking = [clients.submit(keep_asking, server, pixels, own) for own in outcomes]
        wait_for_an_answer_each(outcomes)
        os.kill(server.pid, signal.SIGKILL)
        for future in asking:
            future.result(timeout=PATIENCE)
    # Those that waited for another model when the server died would wait for ever.
    require_ended(models)
    assert shared_memory.regions(server.memory_prefix) == []
    for *answers, _, _ in outcomes:
        assert answers
        for answer in answers:
            assert isinstance(answer, dict), answer
            np.testing.assert_array_equal(answer["boxes"], expected["boxes"])
    with running_server(repository) as restarted:
        np.testing.assert_array_equal(ask_frame(restarted, pixels)["boxes"], expected["boxes"])


def test_a_killed_network_is_an_error_and_is_not_started_again(repository: Path, pictures: list[Picture]) -> None:
    """Why readiness is not health: only a request that goes through all networks shows that they live."""
    with running_server(repository) as server:
        ask_frame(server, pictures[0].pixels)
        (victim,) = (stub for stub in stubs(server) if "det_500m" in " ".join(stub.cmdline()))
        victim.kill()
        for _ in range(2):
            with pytest.raises(InferenceServerException, match=r"model 'det_500m\.fp32': .*not healthy"):
                ask_frame(server, pictures[0].pixels)
        assert server.endpoints.ready()
    assert shared_memory.regions(server.memory_prefix) == []


def test_a_stopped_server_leaves_neither_processes_nor_files_nor_memory(repository: Path) -> None:
    with running_server(repository) as server:
        own = processes(server)
        assert len(own) == 7
        assert shared_memory.regions(server.memory_prefix)
    require_ended(own)
    assert shared_memory.regions(server.memory_prefix) == []
    assert not server.log_file.parent.exists()
