"""Losses that several objectives share: pure functions from numbers to one number."""
