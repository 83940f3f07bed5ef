"""Scores: one metric per file."""
