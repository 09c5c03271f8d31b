"""Fixtures that more than one part of the tests needs."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

TEST_DATA = "BATCHPROOF_TEST_DATA"
# No test asserts wall time: the first example pays for imports, and these machines are shared.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
# No test answers from the engines of whoever runs it, nor leaves any there.
_CACHE = TemporaryDirectory(prefix="batchproof-engines-")
os.environ["BATCHPROOF_CACHE"] = _CACHE.name


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Locate the folder with real models and pictures.

    Skips when nobody has named one; when one is named and anything is missing there, the test fails.
    """
    named = os.environ.get(TEST_DATA)
    if not named:
        pytest.skip(f"{TEST_DATA} is not set: real models are not part of this repository")
    folder = Path(named).resolve()
    for part in ("models", "images"):
        if not (folder / part).is_dir():
            pytest.fail(f"{TEST_DATA} is {folder}, but {folder / part} does not exist")
    return folder
