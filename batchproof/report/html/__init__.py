"""The HTML report of a store: one file that needs nothing but itself."""

from __future__ import annotations

from batchproof.report.html.page import render

__all__ = ["render"]
