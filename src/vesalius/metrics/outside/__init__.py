"""Metrics of others, run in a Python of the user's own where their packages and weights are installed; nothing is downloaded."""
