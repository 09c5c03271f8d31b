"""Parser libraries, compiled once for all tests of this folder."""

from __future__ import annotations

import os

import pytest

from tests.conftest import TEST_DATA
from tests.deploy.deepstream.parser.parser_library import SANITIZED, ParserLibrary, Parsers, build, compiler


@pytest.fixture(scope="session", autouse=True)
def require_compiler() -> None:
    """Skip where nothing can be compiled, but not where all tests are meant to run."""
    if compiler():
        return
    if os.environ.get(TEST_DATA):
        pytest.fail("there is no g++: the parser library of the DeepStream bundle cannot be tested")
    pytest.skip("there is no g++ to compile the parser library with")


@pytest.fixture(scope="session")
def library(require_compiler: None, tmp_path_factory: pytest.TempPathFactory) -> ParserLibrary:
    return build(tmp_path_factory.mktemp("parser"), "8.0")


@pytest.fixture(scope="session")
def parsers(library: ParserLibrary) -> Parsers:
    return library.opened()


@pytest.fixture(scope="session")
def sanitized(require_compiler: None, tmp_path_factory: pytest.TempPathFactory) -> ParserLibrary:
    return build(tmp_path_factory.mktemp("sanitized"), "9.1", flags=SANITIZED)
