"""Anatomy in millimetres, one file a body part: what the kinds draw."""
