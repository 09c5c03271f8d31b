from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import TEST_DATA
from tests.deploy.deepstream.align.faces import Scene, scenes
from tests.deploy.deepstream.align.native import Native, build, compiler


@pytest.fixture(scope="session")
def need_compiler() -> None:
    """Skip without a C++ compiler, but only where nobody has said that everything is to be tested."""
    if compiler() is None:
        reason = "no C++ compiler (g++, or CXX): the bundle's sources cannot be tested"
        pytest.fail(reason) if os.environ.get(TEST_DATA) else pytest.skip(reason)


@pytest.fixture(scope="session")
def native(need_compiler: None, tmp_path_factory: pytest.TempPathFactory) -> Native:
    """The bundle's host library."""
    return Native(build(tmp_path_factory.mktemp("align")))


@pytest.fixture(scope="session")
def faces(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    """All pictures with their faces."""
    found = scenes(test_data / "models", test_data / "images", tmp_path_factory.mktemp("detector"))
    assert sum(len(scene.boxes) for scene in found) > 180
    return found
