"""The independence proof: for every batch size, row n of every output depends on input frame n alone."""

from __future__ import annotations

from batchproof.validate.independence.proof import OutputLayout, Proof, prove

__all__ = ["OutputLayout", "Proof", "prove"]
