"""Vesalius: what is in a folder, without a pixel."""

from pathlib import Path

from vesalius.clinical import study

PACKAGES = ("vesalius", "pydicom", "numpy")


def read(folder: Path) -> study.Inventory:
    """All headers of a folder as studies."""
    return study.read([folder])
