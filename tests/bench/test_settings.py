from __future__ import annotations

import pytest

from batchproof.bench.settings import BenchSettings, read_batch_list
from batchproof.errors import InputError
from batchproof.zoo.families import arcface, scrfd


def test_batches_are_ascending_and_once_each() -> None:
    assert read_batch_list(" 8,1, 4,8") == (1, 4, 8)


@pytest.mark.parametrize("text", ["", "1,", "0", "-1", "1.5", "two", "1 2", "9" * 30, "٣", "4097"])
def test_what_is_no_batch_size_is_told(text: str) -> None:
    with pytest.raises(InputError, match="batch"):
        read_batch_list(text)


@pytest.mark.parametrize(("size", "refused"), [((640, 480), False), ((100, 100), True)])
def test_a_size_must_suit_every_model_whose_size_is_free(size: tuple[int, int], refused: bool) -> None:
    settings = BenchSettings((1,), 3, None, size, 0.99)
    settings.check([arcface()])
    if refused:
        with pytest.raises(InputError, match="no multiple of 32"):
            settings.check([arcface(), scrfd()])
    else:
        settings.check([arcface(), scrfd()])
