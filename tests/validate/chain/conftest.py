"""One chain for all tests: nobody changes it."""

from __future__ import annotations

import pytest

from tests.validate.chain.tiny_chain import TinyChain, tiny_chain


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> TinyChain:
    return tiny_chain(tmp_path_factory.mktemp("chain"))
