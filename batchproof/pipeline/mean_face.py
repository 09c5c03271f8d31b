"""The face to which insightface relates the pose of a head."""

from __future__ import annotations

import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import InputError, MissingDependencyError

_ALLOWED = frozenset({("multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")})


def mean_shape() -> NDArray[np.float32]:
    """Read the mean of 68 landmarks, `[68, 3]`, float32, from the insightface that is installed.

    insightface is located, not imported, and nothing but an array is taken from its pickle. Raises
    `MissingDependencyError` without insightface, and `InputError` when the file holds something else.
    """
    spec = find_spec("insightface")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError.for_extra("insightface", "validate")
    return read_shape(Path(spec.submodule_search_locations[0], "data", "objects", "meanshape_68.pkl"))


def read_shape(path: Path) -> NDArray[np.float32]:
    """Read a pickled array `[68, 3]`, float32; raises `InputError` for anything else."""
    try:
        with path.open("rb") as file:
            shape = _ArrayUnpickler(file).load()
    except (OSError, pickle.UnpicklingError, EOFError) as error:
        raise InputError(f"cannot read the mean face ({error})", where=path) from error
    if not isinstance(shape, np.ndarray) or shape.shape != (68, 3) or shape.dtype != np.float32:
        raise InputError("holds no mean face of 68 points", where=path)
    return shape


class _ArrayUnpickler(pickle.Unpickler):
    """Makes numpy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        # numpy.core became numpy._core in NumPy 2; either name of it stands in old pickles.
        if (module.rpartition(".")[2], name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")
        return super().find_class(module, name)
