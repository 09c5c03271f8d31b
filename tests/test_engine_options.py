from __future__ import annotations

from typing import Any

import pytest

from batchproof.engine_options import EngineOptions
from batchproof.errors import InputError


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"optimisation_level": 6}, r"optimisation level 6 is not 0\.\.5"),
        ({"optimisation_level": -1}, r"optimisation level -1 is not 0\.\.5"),
        ({"workspace_mib": 0}, r"a workspace of 0 MiB is not 1\.\.1048576"),
        ({"workspace_mib": 10**13}, "is not 1"),
        ({"compute_capabilities": ("86",)}, "'86' is no compute capability"),
        ({"compute_capabilities": ("",)}, "'' is no compute capability"),
        ({"compute_capabilities": ("8.6", "8.6")}, "is there twice"),
        ({"compute_capabilities": ("current", "8.6")}, "beside other"),
    ],
)
def test_values_that_no_builder_takes_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        EngineOptions(**values)


def test_what_a_builder_takes_passes_and_is_named_where_it_differs() -> None:
    for level in range(6):
        EngineOptions(optimisation_level=level, workspace_mib=1)
    assert EngineOptions().chosen == ()
    assert EngineOptions(compute_capabilities=("8.6", "12.0")).chosen == ("compute_capabilities",)
