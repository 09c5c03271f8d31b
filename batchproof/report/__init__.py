"""Verdicts, for people: summary, Markdown."""
