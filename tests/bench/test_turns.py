from __future__ import annotations

from functools import partial

import pytest

from batchproof.bench.turns import FEWEST, repetitions, take_turns


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.001, 50), (0.1, 10), (0.3, FEWEST), (100.0, FEWEST), (0.0, 50)], ids=str
)
def test_the_budget_decides_how_often_between_fewest_and_most(seconds: float, expected: int) -> None:
    assert repetitions(seconds, 1.0, 50) == expected


def test_whoever_asks_for_one_round_gets_one() -> None:
    assert repetitions(0.1, 1.0, 1) == 1


def test_contenders_take_turns_and_the_slow_ones_are_spread() -> None:
    ran: list[str] = []
    works = {name: partial(ran.append, name) for name in ("fast", "slow")}
    samples = take_turns(works, {"fast": 6, "slow": 2})
    assert "".join(name[0] for name in ran) == "fffsfffs"
    assert {name: len(one.clock) for name, one in samples.items()} == {"fast": 6, "slow": 2}
    assert {name: len(one.processor) for name, one in samples.items()} == {"fast": 6, "slow": 2}


def test_the_clock_stands_still_before_each_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[object] = []
    monkeypatch.setattr("time.sleep", did.append)
    take_turns({"a": partial(did.append, "a"), "b": partial(did.append, "b")}, {"a": 2, "b": 1}, 0.25)
    assert did == [0.25, "a", 0.25, "a", 0.25, "b"]


def test_nobody_takes_no_turns() -> None:
    assert take_turns({}, {}) == {}


def test_what_runs_elsewhere_tells_its_own_seconds() -> None:
    assert take_turns({"far": lambda: 12.5}, {"far": 2})["far"].clock == (12.5, 12.5)
