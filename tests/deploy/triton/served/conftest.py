"""One server for all tests of a file that leave it alive; never two at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batchproof.deploy.triton.server.server import RunningServer, running_server
from batchproof.pipeline.pictures import Picture, load_pictures
from tests.deploy.triton.packs import ServedPack, real_pack
from tests.deploy.triton.repositories import lay_repository


@pytest.fixture(scope="session")
def pack(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> ServedPack:
    return real_pack(test_data, tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="session")
def repository(pack: ServedPack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_repository(tmp_path_factory.mktemp("served") / "model_repository", pack.pipeline, pack.files)


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[RunningServer]:
    with running_server(repository) as running:
        yield running


@pytest.fixture(scope="session")
def pictures(test_data: Path) -> list[Picture]:
    return load_pictures(test_data / "images")
