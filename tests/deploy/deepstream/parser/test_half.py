from __future__ import annotations

import numpy as np

from tests.deploy.deepstream.parser.parser_library import Parsers


def test_every_half_becomes_the_float_that_numpy_makes_of_it(parsers: Parsers) -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    ours, numpys = parsers.widen(halves), halves.astype(np.float32)
    numbers = ~np.isnan(halves)
    np.testing.assert_array_equal(ours.view(np.uint32)[numbers], numpys.view(np.uint32)[numbers])
    assert np.isnan(ours[~numbers]).all()
