"""How bright each tissue of the abdomen is on CT before and after contrast medium, in Hounsfield units.

Phases: native; arterial, some 35 s after the injection; portal, 70 s; delayed, several minutes, when the urine is bright.
"""

import numpy as np

PHASES = ("native", "arterial", "portal", "delayed")

_FAT, _FLUID = -105.0, 8.0
# Tissue: HU in each phase, then half the range over which patients differ.
_TABLE: dict[str, tuple[float, float, float, float, float]] = {
    "aorta": (42, 300, 155, 115, 5),
    "cava": (42, 95, 145, 112, 5),
    "portal vein": (42, 95, 170, 118, 5),
    "hepatic vein": (42, 48, 158, 116, 4),
    "liver": (56, 68, 112, 92, 9),
    "spleen": (48, 125, 122, 98, 7),
    "cortex": (34, 175, 185, 145, 8),
    "medulla": (31, 66, 165, 150, 6),
    "urine": (6, 6, 14, 330, 5),
    "pancreas": (40, 108, 98, 76, 8),
    "bowel": (38, 88, 96, 78, 8),
    "muscle": (52, 57, 63, 60, 6),
    "heart": (42, 220, 150, 112, 8),
    "mass": (46, 128, 92, 72, 8),
    "thrombus": (34, 36, 38, 40, 5),
}


def contrast(rng: np.random.Generator, phase: str, age: int) -> dict[str, float]:
    """HU by tissue, for one patient in one phase; drawn in an order that does not depend on the phase."""
    column = PHASES.index(phase)
    dose = float(rng.uniform(0.8, 1.2))
    found = {}
    for tissue, row in _TABLE.items():
        native, own = row[0], float(rng.uniform(-row[4], row[4]))
        found[tissue] = native + (row[column] - native) * dose + own
    fatty = float(rng.choice([0, 0, 0, 0, 12, 30]))
    found["liver"] -= fatty
    found["fat"] = _FAT + float(rng.uniform(-6, 6))
    found["fluid"] = _FLUID + float(rng.uniform(-5, 9))
    found["bile"] = _FLUID + float(rng.uniform(-3, 8))
    found["marrow"] = 215 - 1.5 * age + float(rng.uniform(-30, 30)) + (10 if column else 0)
    found["bone"] = 640 - 2.0 * age + float(rng.uniform(-80, 80))
    return found
