"""Faults of a dataset, found before a model sees it: one kind of check per file."""
