"""Random graphs of supported operators, one file of steps per theme. A graph is a chain of steps."""

from __future__ import annotations

from tests.validate.independence.random_graphs import (
    computed,
    elementwise,
    joining,
    picking,
    quantised,
    recurrent,
    sampling,
    shapes,
    statistics,
    sums,
    windows,
)
from tests.validate.independence.random_graphs.builder import OPERATORS, STEPS
from tests.validate.independence.random_graphs.graphs import RandomGraph, graphs

__all__ = [
    "OPERATORS",
    "STEPS",
    "RandomGraph",
    "computed",
    "elementwise",
    "graphs",
    "joining",
    "picking",
    "quantised",
    "recurrent",
    "sampling",
    "shapes",
    "statistics",
    "sums",
    "windows",
]
