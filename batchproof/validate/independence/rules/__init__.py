"""The rules, one file per theme."""

from __future__ import annotations

from batchproof.validate.independence.registry import RULES
from batchproof.validate.independence.rules import (
    attention,
    contractions,
    control_flow,
    elementwise,
    generators,
    indexing,
    joining,
    normalisation,
    pooling,
    quantisation,
    recurrent,
    reductions,
    scattering,
    shape_ops,
    slicing,
    spatial,
)

__all__ = [
    "RULES",
    "attention",
    "contractions",
    "control_flow",
    "elementwise",
    "generators",
    "indexing",
    "joining",
    "normalisation",
    "pooling",
    "quantisation",
    "recurrent",
    "reductions",
    "scattering",
    "shape_ops",
    "slicing",
    "spatial",
]
