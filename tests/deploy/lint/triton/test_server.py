"""What the rules say of the server, asked of the server: `pytest -m served`, in the environment of `nox -s triton`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.lint.triton.broken import BROKEN, Broken
from tests.deploy.lint.triton.repositories import REPOSITORY, repository
from tests.deploy.lint.triton.server import Server, serving

ASKED = [case for case in BROKEN if case.refused is not None or case.taken is not None]
pytestmark = pytest.mark.served


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that is right, and never served."""
    return repository(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder whose repository is served: empty until a test fills it."""
    folder = tmp_path_factory.mktemp("served")
    (folder / REPOSITORY).mkdir()
    return folder


@pytest.fixture(scope="module")
def server(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all of them."""
    with serving(served / REPOSITORY, tmp_path_factory.mktemp("server")) as running:
        yield running


def fill(served: Path, good: Path) -> None:
    """Put the repository that is right where the server looks for models."""
    for old in (served / REPOSITORY).iterdir():
        shutil.rmtree(old)
    shutil.copytree(good, served, dirs_exist_ok=True)


def model_of(case: Broken) -> str:
    return case.file.removeprefix(f"{REPOSITORY}/").split("/")[0]


@pytest.mark.parametrize("name", ["cut", "scrfd", "embed", "faces"])
def test_the_server_takes_what_is_right(server: Server, served: Path, good: Path, name: str) -> None:
    fill(served, good)
    assert server.load(name) is None, server.said()
    server.unload(name)


@pytest.mark.parametrize("case", ASKED, ids=[f"{case.rule}-{case.key or case.file}" for case in ASKED])
def test_the_server_refuses_and_takes_what_the_rule_says(
    server: Server, served: Path, good: Path, case: Broken
) -> None:
    fill(served, good)
    case.edit(served)
    why = server.load(model_of(case))
    said = f"{why}\n{server.said()}"
    server.unload(model_of(case))
    assert (why is None) == (case.taken is not None), said
    assert (case.refused or case.taken or "") in said
