"""The great vessels of an abdomen and their branches, with calcium and thrombus in their walls."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from vesalius.phantom.bodies.abdomen import body as anatomy
from vesalius.phantom.bodies.abdomen.body import Abdomen
from vesalius.phantom.bodies.abdomen.space import Canvas, Region, Spot, lay_tubes, single
from vesalius.phantom.truth import Floats


def paint_vessels(canvas: Canvas, a: Abdomen, hu: Mapping[str, float], rng: np.random.Generator) -> Region:
    """Aorta with its branches, inferior vena cava, portal and renal veins; gives the region that holds the aorta."""
    top = canvas.grid.field_mm[0] / 2 + 20
    fork = a.aorta[2]
    reach = max(a.aneurysm[0], a.aorta[1]) + 20
    region = canvas.region((-reach - 25, a.spine_y - 2.6 * reach - 30, fork), (reach + 25, a.spine_y + 10, top))
    x, y, z = canvas.at(region)
    push = max(a.aneurysm[0] - a.aorta[1], 0) * 0.4
    cava_x = a.cava[0] - push * np.exp(-(((z - a.aneurysm[1]) / 45) ** 2))
    cava_y = anatomy.spine_axis(a, z) - a.vertebra[1] - 8 - 0.15 * np.maximum(z, 0)
    cava = a.cava[1] - np.sqrt(((x - cava_x) * 0.85) ** 2 + (y - cava_y) ** 2)
    cava = np.minimum(cava, np.minimum(z - (fork - 14), a.dome[0] - 8 - z))
    canvas.paint(region, cava, np.where(z > 5, 0.5 * (hu["cava"] + hu["portal vein"]), hu["cava"]) + 0 * cava)
    distance = aorta_distance(canvas, a, region)
    canvas.paint(region, distance, hu["aorta"])
    _plaques(canvas, a, hu, rng, region, distance)
    _branches(canvas, a, hu, rng)
    return region


def aorta_distance(canvas: Canvas, a: Abdomen, region: Region) -> Floats:
    """Distance from the aorta above its bifurcation."""
    x, y, z = canvas.at(region)
    middle_x, middle_y = anatomy.aorta_axis(a, z)
    distance = anatomy.aorta_radius(a, z) - np.sqrt((x - middle_x) ** 2 + (y - middle_y) ** 2)
    return single(np.minimum(distance, z - np.float32(a.aorta[2])))


def _plaques(
    canvas: Canvas, a: Abdomen, hu: Mapping[str, float], rng: np.random.Generator, region: Region, distance: Floats
) -> None:
    """Calcium in the wall of some aortas; thrombus in an aneurysm."""
    x, y, z = canvas.at(region)
    middle_x, middle_y = anatomy.aorta_axis(a, z)
    amount, k, p = rng.uniform(-0.9, 0.45), rng.uniform(0.1, 0.2, 2), rng.uniform(0, 2 * math.pi, 3)
    eccentric = rng.uniform(0.3, 0.8)
    if a.aneurysm[0]:
        extra = anatomy.aorta_radius(a, z) - a.aorta[1]
        shift = extra * np.float32(eccentric)
        lumen = np.sqrt(
            (x - middle_x - shift * math.cos(p[2]) * 0.5) ** 2 + (y - middle_y - shift * abs(math.sin(p[2])) * 0.6) ** 2
        )
        clot = np.minimum(distance - 1, lumen - (a.aorta[1] + 0.35 * extra))
        clot = np.minimum(clot, extra - 4)
        canvas.paint(region, clot, hu["thrombus"])
    if amount > -0.35:
        turn = np.arctan2(y - middle_y, x - middle_x)
        spots = np.sin(turn + p[0] + 0.04 * z) * np.sin(2 * turn + 0.11 * z + p[2]) + 0.7 * np.sin(z * k[0] + p[1]) * np.sin(
            z * k[1] * 0.37 + p[0]
        )
        shell = np.minimum(2.0 - np.abs(distance - 1.0), (spots + amount - 0.75) * 10)
        canvas.paint(region, shell, 480.0)


def _branches(canvas: Canvas, a: Abdomen, hu: Mapping[str, float], rng: np.random.Generator) -> None:
    """The arteries and veins that leave the great vessels."""

    def artery(points: Sequence[Spot], radius: float) -> None:
        lay_tubes(canvas, points, [radius] * len(points), [(0.0, hu["aorta"])])

    def vein(points: Sequence[Spot], radius: float, name: str, *, viscera: bool = False) -> None:
        lay_tubes(canvas, points, [radius] * len(points), [(0.0, hu[name])], viscera=viscera)

    def on_aorta(z: float) -> Spot:
        x, y = anatomy.aorta_axis(a, z)
        return float(x), float(y), z

    r = a.aorta[1]
    celiac, mesenteric, renal = on_aorta(48.0), on_aorta(32.0), on_aorta(8.0)
    artery([celiac, (celiac[0] - 2, celiac[1] - 26, 52), (celiac[0] - 34, celiac[1] - 30, 46)], 3.6)
    artery([(celiac[0] - 2, celiac[1] - 26, 52), (42.0, 0.0, 52.0), (80.0, 22.0, 56.0)], 3.2)
    artery([mesenteric, (mesenteric[0], mesenteric[1] - 24, 18), (mesenteric[0] - 4, mesenteric[1] - 28, -60)], 3.6)
    for k in a.kidneys.values():
        artery([renal, k.spot(-0.9, -0.3, 0.05)], 3.0)
        start = (a.cava[0], float(anatomy.spine_axis(a, 4.0)) - a.vertebra[1] - 10, 4.0)
        around = (renal[0], renal[1] - r - 7, 4.0) if k.outward > 0 else start
        vein([start, around, k.spot(-0.9, -0.45, 0)], 4.6, "portal vein")
    fork = on_aorta(a.aorta[2])
    for sign in (-1, 1):
        low = (sign * 42.0 + fork[0] * 0.4, fork[1] + 20, a.aorta[2] - 58)
        artery([fork, (sign * 20.0 + fork[0] * 0.7, fork[1] + 4, a.aorta[2] - 24), low], 0.62 * r)
        base = (a.cava[0] + 2, fork[1] + 6, a.aorta[2] - 10)
        vein([base, (sign * 26.0 - 8, fork[1] + 18, a.aorta[2] - 34), (low[0], low[1] + 12, low[2])], 7.0, "cava")
    wide = rng.uniform(6.0, 8.0)
    vein([(-10.0, -16.0, 16.0), (-30.0, -18.0, 36.0), (-48.0, -14.0, 50.0)], float(wide), "portal vein", viscera=True)
    vein([(-10.0, -16.0, 16.0), (-8.0, -26.0, -20.0), (-6.0, -26.0, -62.0)], 5.4, "portal vein", viscera=True)
    vein([(-10.0, -16.0, 16.0), (30.0, -8.0, 26.0), (82.0, 20.0, 46.0)], 4.6, "portal vein", viscera=True)
    for _ in range(6):
        x, z = rng.uniform(-60, 60), rng.uniform(-120, -30)
        vein([(-6.0, -26.0, -30.0), (0.6 * x, -42.0, 0.5 * (z - 30)), (x, -0.55 * a.front, z)], 2.6, "portal vein", viscera=True)
