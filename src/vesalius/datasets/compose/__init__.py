"""Samples from annotations: one data engine per file."""
