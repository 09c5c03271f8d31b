"""Engines that were built before, and what decides an engine."""
