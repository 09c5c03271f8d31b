from __future__ import annotations

import pytest

from batchproof.runtime import OnnxRuntimeRunner
from tests.deploy.triton.serving.tiny_pipeline import tiny_runners


@pytest.fixture(scope="package")
def runners(tmp_path_factory: pytest.TempPathFactory) -> dict[str, OnnxRuntimeRunner]:
    return tiny_runners(tmp_path_factory.mktemp("tiny"))
