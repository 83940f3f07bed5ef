"""Phantoms made by hand: small arrays of every kind of picture, with masks that overlap, for whoever writes files."""

import numpy as np

from vesalius.phantom.grid import Grid
from vesalius.phantom.truth import Lesion, Phantom, Picture
from vesalius.types import Report

ROWS, COLUMNS, PLANES, FRAMES = 20, 24, 6, 5


def masks(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Two that overlap, one of a single pixel and one that is empty."""
    organ, lesion, dot = (np.zeros(shape, bool) for _ in range(3))
    organ[..., 4:15, 3:20] = True
    lesion[(slice(1, 3),) * (len(shape) - 2) + (slice(10, 18), slice(12, 16))] = True
    dot[(-1,) * len(shape)] = True
    return {"right lung": organ, "nodule": lesion, "nodule 2": dot, "not there": np.zeros(shape, bool)}


def pixels(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    low, high = {"int16": (-1024, 3071), "uint16": (0, 4095), "uint8": (0, 255)}[dtype]
    return np.random.default_rng(seed).integers(low, high, shape, dtype, endpoint=True)


def picture(modality: str, name: str = "first", **changed: object) -> Picture:
    """As the kinds draw it."""
    plane, color = (ROWS, COLUMNS), ()
    spacing: tuple[float, ...] | None = (0.5, 0.25)
    told: dict[str, object] = {}
    kind, dtype = "image", "uint16"
    if modality in ("CT", "MR"):
        kind, plane, spacing = "volume", (PLANES, ROWS, COLUMNS), (2.5, 0.703125, 0.7)
        affine = Grid(plane, spacing).affine_lps_mm((1.5, -3.25, 40))
        told = {"affine_lps_mm": affine, "window": (40.0, 400.0) if modality == "CT" else (2000.0, 3000.0)}
        dtype = "int16" if modality == "CT" else "uint16"
    if modality in ("US", "ES"):
        kind, plane, told = "clip", (FRAMES, ROWS, COLUMNS), {"frame_s": 1 / 15}
    if modality in ("ES", "OP", "XC", "SM"):
        dtype, color = "uint8", (3,)
    if modality == "ES":
        spacing = None
    if modality in ("DX", "OP"):
        told = {"view": "PA" if modality == "DX" else "R"}
    return Picture(
        **{
            "name": name,
            "kind": kind,
            "pixels": pixels((*plane, *color), dtype),
            "spacing_mm": spacing,
            "modality": modality,
            "masks": masks(plane),
            **told,
            **changed,
        }
    )


def phantom(kind: str, *pictures: Picture, seed: int = 3, visit: int = 0) -> Phantom:
    return Phantom(
        kind=kind,
        seed=seed,
        visit=visit,
        day=40 * visit,
        pictures=pictures,
        lesions=(Lesion("nodule", 1, {"side": "right"}, 8.0), Lesion("nodule", 2, {"side": "left"}, 2.0)),
        resolved=(),
        labels={"nodule": "present"},
        told={"nodule": "present"},
        reports={"en": Report("A nodule.", "Nodule.")},
        codes=("R91.1",),
        facts={"sex": "F", "age_years": 61},
    )


def every() -> dict[str, Phantom]:
    """One of every kind of picture, by the name of the kind that draws such."""
    return {
        "chest_xray": phantom(
            "chest_xray",
            picture("DX", "frontal"),
            picture("DX", "lateral", view="LL", pixels=pixels((ROWS, COLUMNS), "uint16", 1)),
        ),
        "chest_ct": phantom("chest_ct", picture("CT", "ct")),
        "brain_mr": phantom(
            "brain_mr", picture("MR", "t1"), picture("MR", "flair", pixels=pixels((PLANES, ROWS, COLUMNS), "uint16", 1))
        ),
        "fundus": phantom("fundus", picture("OP", "fundus")),
        "oct": phantom("oct", picture("OPT", "section")),
        "skin": phantom("skin", picture("XC", "photograph")),
        "cells": phantom("cells", picture("SM", "field")),
        "endoscopy": phantom("endoscopy", picture("ES", "clip")),
        "ultrasound": phantom("ultrasound", picture("US", "clip")),
        "ultrasound in color": phantom("ultrasound", picture("US", "clip", pixels=pixels((FRAMES, ROWS, COLUMNS, 3), "uint8"))),
        "endoscopy still": phantom(
            "endoscopy",
            picture(
                "ES",
                "still",
                kind="image",
                frame_s=None,
                pixels=pixels((ROWS, COLUMNS, 3), "uint8"),
                masks=masks((ROWS, COLUMNS)),
            ),
        ),
    }
