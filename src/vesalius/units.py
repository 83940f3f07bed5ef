"""The units that measurements may carry, as UCUM codes, and how they are shown."""

from typing import Literal

Unit = Literal["mm", "mm2", "mL", "deg", "[hnsf'U]", "s", "1"]

SHOWN: dict[Unit, str] = {"mm": "mm", "mm2": "mm²", "mL": "mL", "deg": "°", "[hnsf'U]": "HU", "s": "s", "1": ""}


def show(value: float, unit: Unit) -> str:
    """A value with its unit for a reader, at three significant digits: `14.2 mm`, `63 mL`, `0.52`."""
    return f"{float(f'{value:.3g}'):g} {SHOWN[unit]}".strip()
