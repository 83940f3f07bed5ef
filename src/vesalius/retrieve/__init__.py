"""Vectors on disk, and what is near a picture or a text."""
