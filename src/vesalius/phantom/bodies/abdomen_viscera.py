"""The organs and vessels of an abdomen, painted from the back of the list to the front: bowel first, kidneys and spleen last."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from vesalius.phantom.bodies import abdomen as anatomy
from vesalius.phantom.bodies.abdomen import Abdomen, Kidney
from vesalius.phantom.bodies.abdomen_space import Canvas, Region, Spot, ellipsoid, lay_tubes, single, tube, volume_ml
from vesalius.phantom.truth import Bools, Floats

_GAS = -920.0
_CONTENTS = ((12.0, 6.0), (32.0, 14.0), (190.0, 60.0))  # water, food, contrast medium that was drunk: HU and how much it varies


def paint_bowel(canvas: Canvas, a: Abdomen, hu: Mapping[str, float], rng: np.random.Generator, cavity: Floats) -> None:
    """Small bowel in loops, the colon as a frame around it, the stomach and the pancreas."""
    drunk = int(rng.choice([0, 0, 1, 1, 2, 2]))
    for _ in range(int(rng.integers(15, 22))):
        start = (rng.uniform(-115, 125), rng.uniform(-0.68 * a.front, 12), rng.uniform(-150, 12))
        points, radius = _loop(a, rng, start), rng.uniform(9, 13)
        filled = drunk if rng.random() < 0.6 else int(rng.integers(2))
        fill = _CONTENTS[filled][0] + rng.uniform(-1, 1) * _CONTENTS[filled][1]
        _gut(canvas, cavity, points, [radius] * len(points), hu["bowel"], fill, rng.uniform(0.2, 1.4))
    side = a.half_width - a.fat - a.muscle - 26
    front = -(a.front - a.fat_front - a.muscle - 24)
    sag = rng.uniform(0, 60)
    colon: list[Spot] = [(-side, 12.0, -130.0), (-side, 18.0, -70.0), (-side + 6, 0.0, -22.0)]
    colon += [(-0.55 * side, 0.8 * front, -20 - 0.6 * sag), (0.0, front, -18 - sag), (0.5 * side, 0.85 * front, -12 - 0.5 * sag)]
    colon += [(0.85 * side, -10.0, 32.0), (side, 22.0, 10.0), (side, 26.0, -60.0), (side - 4, 24.0, -135.0)]
    finer = _finer(colon, 3)
    wide = rng.uniform(15, 23)
    radii = [wide * (1 + 0.22 * math.cos(2.1 * step)) * (1 - 0.012 * step) for step in range(len(finer))]
    _gut(canvas, cavity, finer, radii, hu["bowel"], rng.uniform(20, 60), rng.uniform(-0.3, 0.9), stool=rng.uniform(20, 90))
    _pancreas(canvas, hu, rng)
    _stomach(canvas, a, hu, rng, cavity, drunk)


def _loop(a: Abdomen, rng: np.random.Generator, start: Spot) -> list[Spot]:
    """A path that wanders in the lower part of the cavity and turns back at its border."""
    steps = 8
    turns = rng.uniform(-1.1, 1.1, (steps, 2))
    heading, rise = rng.uniform(0, 2 * math.pi), 0.0
    x, y, z = start
    points = [start]
    for turn, tilt in turns:
        heading, rise = heading + turn, 0.6 * rise + 0.7 * tilt
        x, y, z = x + 21 * math.cos(heading), y + 15 * math.sin(heading), z + 12 * rise
        x, y, z = max(min(x, 128.0), -118.0), max(min(y, 22.0), -0.72 * a.front), max(min(z, 30.0), -150.0)
        points.append((x, y, z))
    return points


def _finer(points: Sequence[Spot], parts: int) -> list[Spot]:
    """More points on a smooth path (Catmull–Rom)."""
    padded = np.array([points[0], *points, points[-1]])
    found: list[Spot] = []
    for i in range(1, len(padded) - 2):
        a, b, c, d = padded[i - 1 : i + 3]
        for step in range(parts):
            t = step / parts
            spot = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
            found.append((float(spot[0]), float(spot[1]), float(spot[2])))
    return [*found, points[-1]]


def _gut(
    canvas: Canvas,
    cavity: Floats,
    points: Sequence[Spot],
    radii: Sequence[float],
    wall_hu: float,
    fill_hu: float,
    level: float,
    *,
    stool: float = 0.0,
) -> None:
    """A gut: wall, then content, with gas above a level, given as a share of the radius towards the front."""
    pieces = []
    points = canvas.of_viscera(points)
    for start, end, first, last in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
        wide = max(first, last)
        region = canvas.region(
            [min(pair) - wide for pair in zip(start, end, strict=True)],
            [max(pair) + wide for pair in zip(start, end, strict=True)],
        )
        if any(part.start >= part.stop for part in region):
            continue
        at = canvas.at(region)
        distance = np.minimum(tube(at, start, end, (first, last)), cavity[region] - 1)
        canvas.paint(region, distance, wall_hu)
        pieces.append((region, at, distance, (start[1] + end[1]) / 2 - level * wide))
    for region, at, distance, surface in pieces:
        gas = surface - at[1]
        if stool:
            bent = at[1] * np.float32(0.37) + at[2] * np.float32(0.23)
            speckle = np.sin(at[0] * np.float32(0.31) + 2 * np.sin(bent)) * np.sin(
                at[1] * np.float32(0.41) - at[2] * np.float32(0.53)
            )
            content = fill_hu + np.clip(speckle - 0.3, -0.2, 0.6) * np.float32(-3.5 * stool)
        else:
            content = np.float32(fill_hu)
        gas *= np.float32(1 / canvas.edge_mm)
        gas += np.float32(0.5)
        np.clip(gas, 0, 1, out=gas)
        distance -= np.float32(2.2)
        canvas.paint(region, distance, content + gas * (_GAS - content))


def _stomach(canvas: Canvas, a: Abdomen, hu: Mapping[str, float], rng: np.random.Generator, cavity: Floats, drunk: int) -> None:
    full = rng.uniform(0.75, 1.15)
    x = a.half_width - a.fat - a.muscle
    front = a.front - a.fat_front - a.muscle
    path = [
        (0.50 * x, 22.0, a.dome[1] - 30),
        (0.52 * x, 2.0, a.dome[1] - 48),
        (0.50 * x, -0.35 * front, 48.0),
        (0.36 * x, -0.62 * front, 22.0),
        (0.10 * x, -0.62 * front, 8.0),
        (-0.16 * x, -0.40 * front, 12.0),
    ]
    radii = [28 * full, 34 * full, 28 * full, 22 * full, 17 * full, 11.0]
    fill = _CONTENTS[drunk][0] + rng.uniform(0, 1) * _CONTENTS[drunk][1]
    points, finer = _finer([_spot(p) for p in path], 2), np.interp(np.arange(11) / 2, np.arange(6), radii)
    level = rng.uniform(-0.1, 0.9)
    _gut(canvas, cavity, points, [float(r) for r in finer], hu["bowel"], fill, level, stool=float(rng.choice([0.0, 0.0, 6.0])))


def _spot(values: Sequence[float]) -> Spot:
    return float(values[0]), float(values[1]), float(values[2])


def _pancreas(canvas: Canvas, hu: Mapping[str, float], rng: np.random.Generator) -> None:
    lift = rng.uniform(-8, 10)
    path = [
        (-36.0, -6.0, -12.0),
        (-32.0, -16.0, 4.0),
        (-8.0, -26.0, 14.0),
        (22.0, -20.0, 24.0),
        (52.0, -2.0, 34.0),
        (82.0, 18.0, 44.0),
    ]
    points = _finer([(x, y, z + lift) for x, y, z in path], 3)
    bumps = rng.uniform(-2.2, 1.6, len(points))
    radii = [(14 - 0.32 * step) + float(bump) for step, bump in enumerate(bumps)]
    lay_tubes(canvas, points, radii, [(0.0, hu["pancreas"])], viscera=True)
    duodenum = _finer(
        [(-18.0, -36.0, 12.0), (-44.0, -22.0, 14.0), (-52.0, 0.0, -12.0), (-34.0, 10.0, -42.0), (10.0, 6.0, -46.0)], 2
    )
    lay_tubes(canvas, duodenum, [11.5] * len(duodenum), [(0.0, hu["bowel"]), (3.0, 15.0)], viscera=True)


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


def paint_liver(canvas: Canvas, still: Abdomen, hu: Mapping[str, float], rng: np.random.Generator) -> Bools:
    """The liver of the patient as in mid-breath, with its veins; gives the liver's mask."""
    a = still
    low, high = liver_box(a)
    region = canvas.region(low, high, viscera=True)
    at, plain = canvas.at(region, viscera=True), canvas.at(region)
    plain = plain[0], plain[1], plain[2] + np.float32(canvas.pose.breath_mm)
    distance = anatomy.liver(a, at, plain)
    wave = rng.uniform(0.05, 0.12, 3)
    uneven = np.sin(at[0] * wave[0] + at[1] * wave[1]) * np.sin(at[2] * wave[2])
    before = canvas.hu[region].copy()
    canvas.paint(region, distance, hu["liver"] + uneven * np.float32(3))
    hilum, dome = (-46.0, -14.0, 50.0), (a.cava[0], 22.0, a.dome[0] - 22)
    width, _, height = a.liver
    x0 = -(a.half_width - a.fat - a.muscle) + width
    for sx, sy, sz in ((-0.5, 0.5, 0.3), (-0.6, -0.4, 0.0), (-0.45, 0.2, -0.5), (0.75, -0.5, 0.15)):
        jitter = rng.uniform(-10, 10, 3)
        end = (x0 + sx * width + jitter[0], sy * 60 + jitter[1], hilum[2] + sz * height + jitter[2])
        middle = (0.5 * (hilum[0] + end[0]), 0.5 * (hilum[1] + end[1]) - 6, 0.5 * (hilum[2] + end[2]) + 6)
        lay_tubes(canvas, [hilum, middle, end], [5.2, 3.8, 2.0], [(0.0, hu["portal vein"])], viscera=True)
    for sx, sy in ((-0.75, 0.1), (-0.35, -0.55), (0.55, -0.65)):
        jitter = rng.uniform(-10, 10, 3)
        end = (x0 + sx * width + jitter[0], sy * 75 + jitter[1], 40.0 + jitter[2])
        middle = (0.55 * dome[0] + 0.45 * end[0], 0.55 * dome[1] + 0.45 * end[1], 0.4 * dome[2] + 0.6 * end[2] + 16)
        lay_tubes(canvas, [dome, middle, end], [5.0, 4.0, 2.0], [(0.0, hu["hepatic vein"])], viscera=True)
    # Vessels that would leave the liver end at its surface.
    share = np.clip(distance / canvas.edge_mm + 0.5, 0, 1)
    canvas.hu[region] = before + share * (canvas.hu[region] - before)
    mask = canvas.empty()
    mask[region] = distance > 0
    return mask


def liver_box(a: Abdomen) -> tuple[Spot, Spot]:
    """The box that holds the liver, in the coordinates of the viscera."""
    side = a.half_width - a.fat - a.muscle
    height = 2 * a.liver[2] + 10
    return (-side - 5, -a.front, a.dome[0] - height), (a.left_lobe[0][0] + a.left_lobe[1][0] + 8, a.liver[1] + 5, a.dome[0] + 5)


def paint_gallbladder(canvas: Canvas, a: Abdomen, hu: Mapping[str, float]) -> Bools:
    """The gallbladder with its wall; gives its mask."""
    center, axes = a.gallbladder
    reach = (axes[0] + 5, axes[1] + 20, axes[2] + 3)
    low, high = [c - r for c, r in zip(center, reach, strict=True)], [c + r for c, r in zip(center, reach, strict=True)]
    region = canvas.region(low, high, viscera=True)
    distance = anatomy.gallbladder(a, canvas.at(region, viscera=True))
    canvas.paint(region, distance, hu["bowel"])
    canvas.paint(region, distance - 1.8, hu["bile"])
    mask = canvas.empty()
    mask[region] = distance > 0
    return mask


def spleen_box(a: Abdomen) -> tuple[Spot, Spot]:
    """The box that holds the spleen."""
    (x, y, z), (width, depth, half) = a.spleen_center, a.spleen_axes
    return (x - width, y - depth - 0.24 * half, z - half), (x + width, y + depth + 0.24 * half, z + half)


def paint_spleen(canvas: Canvas, a: Abdomen, hu: Mapping[str, float], rng: np.random.Generator, *, mottled: bool) -> Bools:
    """The spleen; striped while the contrast medium arrives. Gives its mask."""
    region = canvas.region(*spleen_box(a))
    at = canvas.at(region)
    distance = anatomy.spleen(a, at)
    k, p = rng.uniform(0.16, 0.34, 4).tolist(), rng.uniform(0, 2 * math.pi, 3).tolist()
    stripes = np.sin(at[0] * k[0] + 1.8 * np.sin(at[1] * k[1] + p[1]) + at[2] * k[3]) * np.sin(at[2] * k[2] + 0.14 * at[1] + p[2])
    canvas.paint(region, distance, hu["spleen"] + stripes * np.float32(20 if mottled else 2))
    mask = canvas.empty()
    mask[region] = distance > 0
    return mask


def kidney_box(k: Kidney) -> tuple[Spot, Spot]:
    """The box that holds a kidney."""
    reach = [k.axes[0] + abs(k.lean[0]) * k.axes[2], k.axes[1] + abs(k.lean[1]) * k.axes[2], k.axes[2]]
    low, high = ([c + sign * r for c, r in zip(k.center, reach, strict=True)] for sign in (-1, 1))
    return _spot(low), _spot(high)


def paint_kidney(canvas: Canvas, k: Kidney, hu: Mapping[str, float], rng: np.random.Generator) -> Bools:
    """Fat around, cortex, pyramids, sinus, calyces and pelvis; gives the kidney's mask."""
    low, high = kidney_box(k)
    region = canvas.region([v - 9 for v in low], [v + 9 for v in high])
    at = canvas.at(region)
    distance = anatomy.kidney(k, at)
    canvas.paint(region, distance + 4, hu["fat"])
    canvas.paint(region, distance, hu["cortex"])
    shifted = tuple(axis - np.float32(c) for axis, c in zip(at, k.center, strict=True))
    turn = np.arctan2(
        shifted[1] - shifted[2] * np.float32(k.lean[1]), k.outward * (shifted[0] - shifted[2] * np.float32(k.lean[0]))
    )
    count, phase = rng.uniform(0.20, 0.26), rng.uniform(0, 2 * math.pi)
    columns = np.cos(2.5 * turn + phase) + np.cos(shifted[2] * np.float32(count) + np.float32(phase))
    center = anatomy.sinus(k, at)
    pyramids = np.minimum(np.minimum(distance - 5.5, 6 - np.abs(center + 8)), (columns + 0.9) * 6)
    canvas.paint(region, pyramids, hu["medulla"])
    canvas.paint(region, np.minimum(center, distance + 8), hu["fat"])
    full = rng.uniform(0.8, 1.2)
    pelvis = ellipsoid(at, k.spot(-0.72, -0.18, -0.02), (9.5 * full, 5.0 * full, 12.0 * full))
    for z in (-0.42, 0.0, 0.42):
        np.maximum(pelvis, tube(at, k.spot(-0.6, -0.15, 0.5 * z), k.spot(-0.05, -0.05, z), (2.4, 4.0 * full)), out=pelvis)
    canvas.paint(region, pelvis, hu["urine"])
    mask = canvas.empty()
    mask[region] = distance > 0
    return mask


def organ_volumes_ml(a: Abdomen) -> dict[str, float]:
    """Volumes of liver, spleen and kidneys from the shapes themselves; a kidney's is without its hilum, with its sinus."""
    found = {"liver": volume_ml(lambda at, plain: anatomy.liver(a, at, plain), *liver_box(a), a.warp)}
    found["spleen"] = volume_ml(lambda _, plain: anatomy.spleen(a, plain), *spleen_box(a), a.warp)
    for side, k in a.kidneys.items():
        found[f"{side} kidney"] = volume_ml(lambda _, plain, k=k: anatomy.kidney(k, plain), *kidney_box(k), a.warp)  # type: ignore[misc]
    return found
