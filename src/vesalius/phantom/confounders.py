"""Confounders: what has nothing to do with a finding and yet goes with it in the data, as strongly as was asked for.

`correlation` is the difference of two rates: how often the confounder is on in patients with the finding, less how often it
is on in those without. 1: always with it; 0: independent; -1: always without. At a balanced finding it is also the phi
coefficient.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from vesalius.phantom.factors import Factor, Value, Values
from vesalius.phantom.paint import letter, stream
from vesalius.phantom.truth import Picture
from vesalius.types import Array

ON_THE_PICTURE = ("marker", "intensity", "text")
OF_THE_PATIENT: dict[str, tuple[Value, Value]] = {"sex": ("F", "M"), "age": (35, 75), "history": ("none", "smoker")}  # off, on
_BRIGHTER = 1.08
_STREAM = 301


def factors_of(findings: Sequence[str]) -> dict[str, Factor]:
    """What of the confounders can be fixed."""
    return {
        "confounder": Factor("what goes with a finding without cause", choices=("none", *ON_THE_PICTURE, *OF_THE_PATIENT)),
        "tied_to": Factor("the finding that it goes with", choices=tuple(findings)),
        "correlation": Factor("how often it is on with the finding, less how often without", low=-1, high=1),
    }


def is_on(kind: str, seed: int, values: Values, *, present: bool) -> bool:
    """Whether the chosen confounder is on in this patient, who has or has not the finding that it is tied to."""
    if values.get("confounder", "none") == "none":
        return False
    correlation = float(cast(float, values.get("correlation", 0.0)))
    share = (1 + correlation) / 2 if present else (1 - correlation) / 2
    return bool(stream(kind, seed, _STREAM).random() < share)


def of_patient(values: Values, *, on: bool) -> Values:
    """The patient's facts that the confounder decides; factors that were fixed stay."""
    name = str(values.get("confounder", "none"))
    if name not in OF_THE_PATIENT:
        return {}
    off_value, on_value = OF_THE_PATIENT[name]
    key = "age_years" if name == "age" else name
    return {} if key in values else {key: on_value if on else off_value}


def on_picture(picture: Picture, name: str) -> Picture:
    """The picture with the confounder on it: a square marker in a corner, a burned-in word, or brighter throughout."""
    pixels = picture.pixels.copy()
    bright = int(np.percentile(pixels, 99.5))
    rows, columns = pixels.shape[:-1][-2:] if picture.channels == 3 else pixels.shape[-2:]
    where: list[Array] = []
    if name == "intensity":
        low = min(int(pixels.min()), 0)
        most = 255 if pixels.dtype == np.uint8 else 4095 if pixels.dtype == np.uint16 else 3071
        pixels = np.clip((pixels.astype(np.float32) - low) * _BRIGHTER + low, low, most).astype(picture.pixels.dtype)
        return replace(picture, pixels=pixels)
    if name == "marker":
        side = max(2, rows // 16)
        mark = np.zeros((rows, columns), np.bool_)
        mark[-2 * side : -side, side : 2 * side] = True
        where = [mark]
    if name == "text":
        height = max(7, rows // 14)
        axes = np.arange(rows, dtype=np.float32), np.arange(columns, dtype=np.float32)
        step = height * 6 / 7
        where = [
            letter(word, axes[1], axes[0], (columns - (3 - index) * step - 2, rows - height - 2), height)
            for index, word in enumerate("ICU")
        ]
    for mask in where:
        if picture.channels == 3:
            pixels[..., mask, :] = bright
        else:
            pixels[..., mask] = bright
    return replace(picture, pixels=pixels)
