from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from insightface.data import get_object

from batchproof.errors import InputError, MissingDependencyError
from batchproof.pipeline import mean_face
from batchproof.pipeline.mean_face import mean_shape, read_shape


def test_it_is_that_of_insightface() -> None:
    np.testing.assert_array_equal(mean_shape(), get_object("meanshape_68.pkl"))


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("executed",)


@pytest.mark.parametrize("content", [Attack(), np.zeros((3, 3), np.float32), np.zeros((68, 3)), [1, 2]])
def test_other_pickles_are_refused_and_not_executed(
    tmp_path: Path, content: object, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shape.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=r"shape\.pkl: (holds no mean face|cannot read the mean face)"):
        read_shape(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"", b"no pickle"])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shape.pkl"
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot read the mean face"):
        read_shape(path)


def test_without_insightface_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mean_face, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="insightface is not installed"):
        mean_shape()
