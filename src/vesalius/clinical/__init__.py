"""Readers and writers of clinical files: bytes to studies and back."""
