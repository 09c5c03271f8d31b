"""The applications are scripts that import each other by plain names: their folder goes on the path, as there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.conftest import TEST_DATA
from tests.deploy.deepstream.align.native import BUNDLE, compiler

sys.path.insert(0, str(BUNDLE / "app"))

from tests.deploy.deepstream.app import service_maker_stand_in as stand_in
from tests.deploy.deepstream.app.bundles import write_bundle
from tests.deploy.deepstream.app.shim import Shim

Play = Callable[[Callable[[stand_in.Pipeline], Iterable[stand_in.BatchMetadata]]], list[stand_in.Pipeline]]


@pytest.fixture(scope="session")
def need_compiler() -> None:
    """Skip without a C++ compiler, but only where nobody has said that everything is to be tested."""
    if compiler() is None:
        reason = "no C++ compiler (g++, or CXX): the bundle's sources cannot be tested"
        pytest.fail(reason) if os.environ.get(TEST_DATA) else pytest.skip(reason)


@pytest.fixture(scope="session")
def shim(need_compiler: None, tmp_path_factory: pytest.TempPathFactory) -> Shim:
    return Shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle")


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Let the stand-in be pyservicemaker and play what is given; returns the pipelines that will be built."""

    def install(
        batches: Callable[[stand_in.Pipeline], Iterable[stand_in.BatchMetadata]],
    ) -> list[stand_in.Pipeline]:
        monkeypatch.setitem(sys.modules, "pyservicemaker", stand_in)
        monkeypatch.setattr(stand_in.Pipeline, "seen", [])
        monkeypatch.setattr(stand_in.Pipeline, "play", staticmethod(batches), raising=False)
        return stand_in.Pipeline.seen

    return install
