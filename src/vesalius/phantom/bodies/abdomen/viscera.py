"""The organs and vessels of an abdomen, painted from the back of the list to the front: bowel first, kidneys and spleen last."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from vesalius.phantom.bodies.abdomen import body as anatomy
from vesalius.phantom.bodies.abdomen.body import Abdomen, Kidney
from vesalius.phantom.bodies.abdomen.space import Canvas, Spot, ellipsoid, lay_tubes, tube, volume_ml
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
