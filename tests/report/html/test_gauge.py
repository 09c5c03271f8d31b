from __future__ import annotations

import math
from itertools import pairwise

import pytest

from batchproof.report.html.gauge import gauge, is_at_most, used
from batchproof.verdict import Status, Verdict, at_least, at_most
from tests.report.html.document import Node, parsed


def above(figure: float, limit: float) -> Verdict:
    return at_least("parity.cosine", "rec", figure, limit, "")


def below(figure: float, limit: float) -> Verdict:
    return at_most("parity.shift", "det", figure, limit, "")


@pytest.mark.parametrize(
    ("verdict", "share"),
    [
        (below(0.005, 0.05), 0.1),
        (below(0.05, 0.05), 1),
        (below(0.5, 0.05), 10),
        (below(0.0, 0.05), 0),
        (below(0.0, 0.0), 0),
        (below(1e-9, 0.0), math.inf),
        (below(math.nan, 1.0), math.inf),
        (below(math.inf, 1.0), math.inf),
        (above(0.9999, 0.999), 0.1),
        (above(0.99, 0.999), 10),
        (above(1.0, 0.999), 0),
        (above(1.0000001, 0.999), 0),
        (above(8.0, 4.0), 0.5),
        (above(-1.0, 4.0), math.inf),
    ],
)
def test_the_share_of_the_limit(verdict: Verdict, share: float) -> None:
    assert used(verdict) == pytest.approx(share)
    assert bool(verdict) == (share <= 1)


def test_where_no_limit_was_judged_there_is_no_bar() -> None:
    unjudged = [
        Verdict("c", "s", Status.PASS, "", 0.3),
        Verdict("c", "s", Status.PASS, "", None, 0.3),
        Verdict("c", "s", Status.UNKNOWN, "", 0.1, 0.3),
    ]
    assert [(used(verdict), gauge(verdict)) for verdict in unjudged] == [(None, "")] * 3


def test_the_side_of_the_limit_is_in_the_verdict() -> None:
    assert [is_at_most(verdict) for verdict in (below(1, 2), below(2, 1), above(2, 1), above(1, 2))] == [
        True, True, False, False,
    ]  # fmt: skip


def drawn(verdict: Verdict) -> tuple[Node, float, float]:
    (svg,) = parsed(gauge(verdict)).children
    (bar,) = svg.all("rect")
    (limit,) = svg.all("path", "limit")
    return svg, float(bar.attributes["width"]), float(limit.attributes["d"][1:].split()[0])


def test_a_bar_ends_at_the_limit_where_the_figure_is_the_limit() -> None:
    svg, width, limit = drawn(below(0.05, 0.05))
    assert width == limit
    assert svg.attributes["aria-label"] == "1 of the limit"


def test_each_decade_is_as_long_as_the_next_and_none_leaves_the_axis() -> None:
    widths = [drawn(below(10.0**power, 1.0))[1] for power in (-9, -3, -2, -1, 0, 1, 9)]
    assert widths[0] == 1.5
    assert {after - before for before, after in pairwise(widths[1:6])} == {24}
    assert widths[-1] == widths[-2] == float(drawn(below(1, 1))[0].attributes["viewbox"].split()[2])
    assert drawn(below(0.0, 1.0))[1] == 0


def test_the_bar_has_the_colour_of_its_verdict() -> None:
    kinds = [drawn(verdict)[0].all("rect")[0].attributes["class"] for verdict in (below(1, 2), below(2, 1))]
    assert kinds == ["pass", "fail"]
