"""The independence proof: for every batch size, row n of every output depends on input frame n alone."""

from __future__ import annotations

from batchproof.validate.independence.layouts import BatchLayout, Layouts, NoBatch, layouts
from batchproof.validate.independence.proof import OutputLayout, Proof, prove

__all__ = ["BatchLayout", "Layouts", "NoBatch", "OutputLayout", "Proof", "layouts", "prove"]
