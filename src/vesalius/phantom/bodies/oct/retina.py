"""The layers of the macula in a section: how thick each is, how disease moves them, and where their borders lie.

The eye's frame: x in mm from the fovea toward the nose, the same for right and left eyes; depth y in mm, down, away from the
vitreous. Thickness of the healthy layers follows published means of spectral-domain OCT: center, 1 mm and 2.3 mm away.
"""

from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.oct import lesions as disease
from vesalius.phantom.bodies.oct.lesions import Placed
from vesalius.phantom.case import Case
from vesalius.phantom.paint import Points

# Borders from the vitreous outward; the layer of that name lies between its border and the next.
BORDERS = (
    "nerve fiber layer",
    "ganglion cell layer",
    "inner nuclear layer",
    "outer plexiform layer",
    "outer nuclear layer",
    "photoreceptors",
    "subretinal space",
    "pigment epithelium",
    "space under the pigment epithelium",
    "choroid",
    "sclera",
)
# mm at 1 mm from the fovea, at 2.3 mm; share that is missing in the pit; what is added at the fovea.
_LAYERS = {
    "nerve fiber layer": (0.019, 0.030, 0.97, 0.0),
    "ganglion cell layer": (0.092, 0.068, 0.96, 0.0),
    "inner nuclear layer": (0.039, 0.034, 0.88, 0.0),
    "outer plexiform layer": (0.032, 0.027, 0.45, 0.0),
    "outer nuclear layer": (0.068, 0.055, 0.0, 0.026),
    "photoreceptors": (0.067, 0.064, 0.0, 0.008),
    "pigment epithelium": (0.022, 0.020, 0.0, 0.0),
}
_NASAL, _TEMPORAL = 1.55, 0.72  # of the nerve fibers at 2.3 mm
THINNED = {"mild": (0.70, 0.90), "moderate": (0.50, 0.76), "severe": (0.30, 0.60)}  # nerve fibers and ganglion cells left


@dataclass(frozen=True, eq=False)
class Retina:
    """One patient's macula; factors near 1 for each layer, pit in mm, curve in 1/mm."""

    eye: str
    thickness: tuple[float, ...]
    pit_mm: float
    pit_depth: float
    curve: float
    wave: tuple[float, float, float]
    choroid_mm: float
    choroid_slope: float

    @property
    def mirror(self) -> int:
        """1 for right eyes, whose nose is on the picture's right; -1 for left."""
        return 1 if self.eye == "right" else -1


def retina_of(case: Case) -> Retina:
    """The patient's macula: the same at both visits, whatever is found."""
    rng = case.body(0)
    drawn = "right" if rng.random() < 0.5 else "left"
    common = rng.uniform(0.89, 1.11)
    wave = rng.uniform(0, 0.006), rng.uniform(0.8, 2.2), rng.uniform(0, 6.283)
    return Retina(
        eye=str(case.fixed("eye", drawn)),
        thickness=tuple(float(common * own) for own in rng.uniform(0.90, 1.10, len(_LAYERS))),
        pit_mm=float(rng.uniform(0.30, 0.62)),
        pit_depth=float(1.0 - 0.5 * rng.random() ** 1.5),
        curve=float(rng.uniform(-0.006, 0.016)),
        wave=(float(wave[0]), float(wave[1]), float(wave[2])),
        choroid_mm=float(rng.uniform(0.16, 0.42) - 0.10 * np.clip((case.age_years - 50) / 40, 0, 1)),
        choroid_slope=float(rng.uniform(0.01, 0.05)),
    )


def borders(retina: Retina, placed: tuple[Placed, ...], x_mm: Points) -> dict[str, Points]:
    """The depth of each border in mm at places x, (X,) each; Bruch's membrane at the fovea is at 0 ("choroid")."""
    away = np.abs(x_mm)
    pit = retina.pit_depth * np.exp(-((away / retina.pit_mm) ** 2)) * (1 - disease.filled(placed, x_mm))
    far = np.clip((away - 0.7) / 2.0, 0, 1)
    far *= far * (3 - 2 * far)
    central = np.exp(-((away / 0.45) ** 2))
    thick = {}
    for (name, (near_mm, far_mm, lost, gained)), factor in zip(_LAYERS.items(), retina.thickness, strict=True):
        wide = far_mm * ((_NASAL - _TEMPORAL) / 2 * np.tanh(x_mm) + (_NASAL + _TEMPORAL) / 2) if name == BORDERS[0] else far_mm
        thick[name] = factor * ((near_mm + (wide - near_mm) * far) * (1 - lost * pit) + gained * central)
    for item in placed:
        if item.lesion.finding == "nerve fiber layer thinning":
            fibers, cells = THINNED[str(item.lesion.severity)]
            thick["nerve fiber layer"] *= fibers
            thick["ganglion cell layer"] *= cells
    swollen = disease.swelling(placed, x_mm)
    thick["inner nuclear layer"] += 0.40 * swollen
    thick["outer nuclear layer"] += 0.60 * swollen
    gone = disease.atrophied(placed, x_mm)
    wide = disease.atrophied(placed, x_mm, edge_mm=0.8, beyond_mm=0.4)  # the layers sink in gently beside the loss
    thick["outer nuclear layer"] *= 1 - 0.75 * wide
    thick["photoreceptors"] *= 1 - 0.60 * wide - 0.25 * gone
    thick["outer nuclear layer"] = np.maximum(thick["outer nuclear layer"] - disease.pressed(placed, x_mm), 0.014)
    thick["pigment epithelium"] *= 1 - 0.75 * gone
    thick["subretinal space"] = disease.heights(placed, ("subretinal fluid",), x_mm)
    thick["space under the pigment epithelium"] = disease.heights(placed, ("pigment epithelial detachment", "drusen"), x_mm)
    size, number, phase = retina.wave
    at = -retina.curve * x_mm**2 + size * (np.sin(number * x_mm + phase) - np.sin(phase))
    choroid = np.maximum(retina.choroid_mm * (1 - 0.02 * x_mm**2) - retina.choroid_slope * x_mm, 0.07)
    choroid += 0.012 * (np.sin(2.3 * x_mm + 3 * phase) + np.sin(5.1 * x_mm + 5 * phase))
    found = {"choroid": at, "sclera": at + choroid}
    for name in reversed(BORDERS[:9]):
        at = at - thick[name]
        found[name] = at
    folds = disease.wrinkles(placed, x_mm)
    for name in BORDERS[:2]:
        found[name] = found[name] + np.minimum(folds, 0.6 * thick["ganglion cell layer"])
    return {name: found[name] for name in BORDERS}


def central_thickness_mm(retina: Retina, placed: tuple[Placed, ...]) -> float:
    """Mean distance from the vitreous to Bruch's membrane within 0.5 mm of the fovea; a hole counts nothing."""
    x_mm = (np.arange(200) + 0.5) / 200 - 0.5
    found = borders(retina, placed, x_mm)
    thick = found["choroid"] - found["nerve fiber layer"]
    tissue = found["pigment epithelium"] - found["nerve fiber layer"]
    for item in placed:
        if item.lesion.finding == "macular hole":
            up = (np.arange(64) + 0.5) / 64
            thick = thick - tissue * (np.abs(x_mm - item.x_mm)[:, None] < disease.hole_half_mm(item, up)).mean(axis=1)
    return float(thick.mean())


def fiber_thickness_mm(retina: Retina, placed: tuple[Placed, ...]) -> float:
    """Mean thickness of the nerve fiber layer from 0.5 to 2.3 mm nasal of the fovea."""
    x_mm = 0.5 + 1.8 * (np.arange(200) + 0.5) / 200
    found = borders(retina, placed, x_mm)
    return float((found["ganglion cell layer"] - found["nerve fiber layer"]).mean())
