"""Stained cells: kinds of cells, smears, sections, slides."""
