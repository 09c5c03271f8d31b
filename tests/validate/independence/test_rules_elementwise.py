"""Every elementwise operator, on frames that are kept apart and on frames that are not."""

from __future__ import annotations

import pytest

from tests.validate.independence.elementwise_cases import ELEMENTWISE


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_elementwise_operator(name: str) -> None:
    ELEMENTWISE[name].check()
