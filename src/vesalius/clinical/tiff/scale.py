"""How large the pixels of a TIFF page are, where a program of microscopy says so.

The resolution tags alone are those of a scanner, a printer or nobody: they count only where ImageJ names their unit, or where
they give a slide pixels of a microscope's size.
"""

import math
import re

from vesalius.clinical.tiff.directory import Directory
from vesalius.clinical.tiff.page import DESCRIPTION, RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION

APERIO = "Aperio"
_NUMBER = r"([0-9.]+(?:[eE][-+]?[0-9]+)?)"
_APERIO_MPP = re.compile(rf"\bMPP\s*=\s*{_NUMBER}")
_OME_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b[^>]*>")
_IMAGEJ_UNIT = re.compile(r"^unit=(.*)$", re.MULTILINE)
_MM = {"mm": 1.0, "cm": 10.0, "nm": 1e-6, "µm": 1e-3, "μm": 1e-3, "um": 1e-3, "micron": 1e-3, "microns": 1e-3, r"\u00b5m": 1e-3}
_RESOLUTION_MM = {2: 25.4, 3: 10.0}  # of the inch and the centimeter that pixels are counted by
_SMALLEST_MM, _LARGEST_MM = 1e-7, 100.0
_MICROSCOPE_MM = (5e-5, 0.01)

Spacing = tuple[float, float]


def stated_spacing_mm(directory: Directory) -> Spacing | None:
    """(y, x) as Aperio, OME or ImageJ state it; None where none of them does, or the numbers are impossible."""
    said = directory.text(DESCRIPTION)
    if said.startswith(APERIO):
        found = _APERIO_MPP.search(said)
        side = _float(found[1]) * _MM["µm"] if found else math.nan
        return _possible((side, side))
    if pixels := _OME_PIXELS.search(said):
        return _possible((_ome_mm(pixels[0], "Y"), _ome_mm(pixels[0], "X")))
    if said.startswith("ImageJ=") and (unit := _IMAGEJ_UNIT.search(said)):
        return _by_resolution(directory, _MM.get(unit[1].strip().lower(), math.nan))
    return None


def slide_spacing_mm(directory: Directory) -> Spacing | None:
    """(y, x) as `stated_spacing_mm`, or else by the resolution tags where they are those of a microscope."""
    stated = stated_spacing_mm(directory)
    if stated is not None or directory.text(DESCRIPTION).startswith(APERIO):
        return stated
    by_tags = _by_resolution(directory, _RESOLUTION_MM.get(directory.integer(RESOLUTION_UNIT, 2), math.nan))
    return by_tags if by_tags and all(_MICROSCOPE_MM[0] <= side <= _MICROSCOPE_MM[1] for side in by_tags) else None


def _by_resolution(directory: Directory, unit_mm: float) -> Spacing | None:
    per_unit = [[float(value) for value in directory.numbers(tag)[:1]] or [0.0] for tag in (Y_RESOLUTION, X_RESOLUTION)]
    return _possible((unit_mm / per_unit[0][0], unit_mm / per_unit[1][0])) if per_unit[0][0] and per_unit[1][0] else None


def _ome_mm(pixels: str, axis: str) -> float:
    size = re.search(rf'\bPhysicalSize{axis}="{_NUMBER}"', pixels)
    unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]*)"', pixels)
    return _float(size[1]) * (_MM.get(unit[1], math.nan) if unit else _MM["µm"]) if size else math.nan


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _possible(spacing_mm: Spacing) -> Spacing | None:
    return spacing_mm if all(_SMALLEST_MM <= side <= _LARGEST_MM for side in spacing_mm) else None
