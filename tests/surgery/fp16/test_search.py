from __future__ import annotations

import onnx
import pytest

from batchproof.policy import EmbedderLimits
from batchproof.surgery.fp16.figures import misses
from batchproof.surgery.fp16.search import FallbackSearch, Trial
from batchproof.zoo import families
from tests.surgery.fp16.half_chains import chain, rescaled, samples

LOOSE = EmbedderLimits(min_cosine=0.999, max_abs=0.1)
STRICT = EmbedderLimits(min_cosine=0.99999995, max_abs=0.1)
TRIPLE = ("conv2", "relu2", "conv3")


def search(model: onnx.ModelProto, limits: EmbedderLimits = LOOSE, runs: int = 100) -> FallbackSearch:
    return FallbackSearch(model, families.arcface(embedding=64), Trial(samples(), limits, runs))


def test_a_graph_that_meets_its_limits_needs_one_run() -> None:
    tried = search(chain())
    assert (tried.extra_nodes().items, tried.extra_nodes().minimal, tried.runs) == ((), True, 1)
    assert tried.halves == tuple(each.name for each in chain().graph.node)


def test_suspects_that_do_no_harm_are_not_searched() -> None:
    tried = search(rescaled(chain(), "conv2", "conv3", -20), EmbedderLimits(min_cosine=-1, max_abs=100))
    assert (tried.extra_nodes().items, tried.runs) == ((), 1)


def test_what_overflows_is_known_from_the_range_and_needs_no_search() -> None:
    tried = search(rescaled(chain(), "conv2", "conv3", 17))
    assert tuple(tried.unfit) == TRIPLE
    assert (tried.extra_nodes().items, tried.runs) == ((), 1)


def test_what_vanishes_is_searched_among_the_suspects() -> None:
    tried = search(rescaled(chain(), "conv2", "conv3", -20))
    assert tuple(tried.unfit) == ("conv3",)  # its weights are 2**20 times larger
    assert tried.extra_nodes().items == ("conv2",)  # what relu2 does to halves without bits is within the limits
    assert tried.runs <= 6


def test_without_suspects_all_nodes_are_searched_and_none_of_those_kept_can_go() -> None:
    tried = search(chain(), STRICT)
    found = tried.extra_nodes()
    assert found.minimal
    assert 0 < len(found.items) < len(tried.halves)
    assert not misses(tried.measure(found.items), STRICT)
    assert all(misses(tried.measure(set(found.items) - {name}), STRICT) for name in found.items)


@pytest.mark.parametrize("runs", [0, 1, 3])
def test_a_search_that_may_not_run_any_more_keeps_what_passes(runs: int) -> None:
    tried = search(chain(), STRICT, runs)
    found = tried.extra_nodes()
    assert not found.minimal
    assert tried.runs == runs
    assert not misses(tried.measure(found.items), STRICT)


def test_each_conversion_is_measured_once_and_announced() -> None:
    told: list[tuple[int, int]] = []
    trial = Trial(samples(), LOOSE, 7, lambda number, allowed: told.append((number, allowed)))
    tried = FallbackSearch(chain(), families.arcface(embedding=64), trial)
    assert tried.known(()) is None
    assert tried.measure(()) is tried.measure([])
    tried.measure(("conv1",))
    assert told == [(1, 7), (2, 7)]
