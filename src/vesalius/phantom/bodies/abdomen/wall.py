"""What surrounds the viscera: couch, skin, fat, muscles, spine, ribs, hip bones, and the bases of lungs and heart."""

import math

import numpy as np

from vesalius.phantom.bodies.abdomen.body import Abdomen, diaphragm, spine_axis, walls
from vesalius.phantom.bodies.abdomen.space import At, Canvas, Region, Spot, ellipsoid, lay_tubes, single
from vesalius.phantom.truth import Floats

_RIBS = ((8, 0.85), (9, 0.72), (10, 0.60), (11, 0.42), (12, 0.26))  # number, how far round the trunk (1: the front)


def paint_wall(canvas: Canvas, a: Abdomen, hu: dict[str, float], rng: np.random.Generator) -> Floats:
    """Everything up to the cavity and the fat in it; gives the distance from the cavity's wall, of the volume's shape."""
    whole = _whole(canvas)
    at = canvas.at(whole)
    surface, muscles, cavity = walls(a, at)
    canvas.paint(whole, surface, -20.0)
    canvas.paint(whole, surface - 2.5, hu["fat"])
    canvas.paint(whole, muscles, hu["muscle"])
    canvas.paint(whole, cavity, hu["fat"] + _mesentery(at, rng))
    _couch(canvas, a, surface)
    full: Floats = np.broadcast_to(cavity, canvas.grid.shape)
    return full


def _whole(canvas: Canvas) -> Region:
    depth, rows, columns = canvas.grid.shape
    return slice(0, depth), slice(0, rows), slice(0, columns)


def _mesentery(at: At, rng: np.random.Generator) -> Floats:
    """Strands in the fat of the cavity: HU to add."""
    x, y, z = at
    k, p = rng.uniform(0.12, 0.3, 4), rng.uniform(0, 2 * math.pi, 4)
    plane = np.sin(x * k[0] + 1.8 * np.sin(y * k[1] + p[0]) + p[1]).astype(np.float32)
    strands = np.sin(y * np.float32(k[2]) + np.float32(p[2])) * np.sin(z * np.float32(k[3]) + np.float32(p[3]))
    strands = strands * plane
    found: Floats = np.maximum(strands - np.float32(0.35), 0) * np.float32(70)
    return found


def _couch(canvas: Canvas, a: Abdomen, surface: Floats) -> None:
    """The curved board that the patient lies on."""
    x, y, _ = canvas.at(_whole(canvas))
    board = 3.0 - np.abs(y - (a.back + 5 - x * x * np.float32(1 / 1600)))
    share = single(np.clip(board / canvas.edge_mm + 0.5, 0, 1) * (surface < -1))
    canvas.blend(_whole(canvas), share, np.maximum(canvas.hu, -420))


def paint_back(canvas: Canvas, a: Abdomen, hu: dict[str, float], rng: np.random.Generator) -> None:
    """Muscles beside the spine, vertebrae with discs and canal, hip bones."""
    high = canvas.grid.field_mm[0] / 2
    low_corner = (-95.0, a.spine_y - 45, -high - 20)
    region = canvas.region(low_corner, (95.0, a.back + 10, high + 20))
    x, y, z = canvas.at(region)
    middle = spine_axis(a, z)
    side, behind = np.abs(x), y - middle
    half, deep, tall = a.vertebra
    growth = single(np.clip((110 - z) / 170, 0.15, 1))
    psoas = _oval(single(side - half - 0.75 * a.psoas * growth), behind + 2, a.psoas * growth, 1.25 * a.psoas * growth)
    narrowing = single(20 * np.clip((60 - z) / 90, 0.1, 1))
    flat = _oval(single(side - half - 34), behind - 16, narrowing, 11)
    erector = _oval(single(side - 0.85 * half - 9), behind - deep - 25, 25 + 0 * z, 19)
    for muscle in (psoas, flat, erector):
        canvas.paint(region, muscle, hu["muscle"] + 0 * muscle)
    # Discs between the bodies; the rims of the bodies are dense.
    phase = np.abs((z - a.vertebra_z + tall / 2) % tall - tall / 2)
    body = _oval(x, behind, half * (1 - 0.12 * np.cos(phase * (math.pi / tall)) ** 2), deep + 0 * z)
    disc = phase - (tall / 2 - 4.5)
    canvas.paint(region, body, 78.0)
    bone = np.minimum(body, -disc)
    canvas.paint(region, bone, hu["bone"])
    canvas.paint(region, bone - 2.6, hu["marrow"] + 25 * np.sin(x * 0.45) * np.sin(z * 0.5 + behind * 0.3))
    arch = np.minimum(_oval(x, behind - deep - 9, 19 + 0 * z, 15), 14 - phase)
    canvas.paint(region, arch, 0.6 * hu["bone"])
    spinous = np.minimum(np.minimum(4.0 - side, 15 - np.abs(behind - deep - 31)), 9 - phase - 0.15 * (behind - deep - 31))
    canvas.paint(region, spinous, 0.75 * hu["bone"])
    across = np.minimum(np.minimum(6 - np.abs(behind - deep - 6), 40 - side), 7 - phase)
    canvas.paint(region, across, 0.5 * hu["bone"])
    canal = _oval(x, behind - deep - 8, 11 + 0 * z, 8)
    canvas.paint(region, canal, -40.0)
    canvas.paint(region, canal - 2, 26.0)
    _hips(canvas, a, hu)


def _oval(x: Floats, y: Floats, half_x: Floats | float, half_y: Floats | float) -> Floats:
    """Distance from an upright cylinder of elliptic section."""
    squared: Floats = (x / half_x) ** 2 + (y / half_y) ** 2
    scale: Floats = np.minimum(half_x, half_y) * np.float32(0.5)
    return (1 - squared) * scale


def _hips(canvas: Canvas, a: Abdomen, hu: dict[str, float]) -> None:
    """The crests of the hip bones, flaring upward and outward."""
    high = canvas.grid.field_mm[0] / 2
    for sign in (-1, 1):
        reach = a.half_width - a.fat - 6
        box = sorted((sign * 40.0, sign * (reach + 15)))
        region = canvas.region((box[0], -60, -high - 20), (box[1], a.spine_y + 50, -100))
        if any(part.start >= part.stop for part in region):
            continue
        x, y, z = canvas.at(region)
        curve = reach - 0.011 * (y - 0.1 * reach + 20) ** 2 - 0.35 * (-118 - z)
        plate = np.minimum(5.5 - np.abs(sign * x - curve) * np.float32(0.8), -112 - 0.006 * (y - 15) ** 2 - z)
        canvas.paint(region, plate, hu["bone"])
        canvas.paint(region, plate - 2.2, hu["marrow"] + 60)


def paint_thorax(canvas: Canvas, a: Abdomen, hu: dict[str, float], cavity: Floats, rng: np.random.Generator) -> None:
    """The bases of the lungs above the diaphragm with vessels in them, the heart between them, and the ribs."""
    whole = _whole(canvas)
    from_top = canvas.region((-200, -200, 20), (200, 200, canvas.grid.field_mm[0]))
    part: Region = (from_top[0], whole[1], whole[2])
    if part[0].start < part[0].stop:
        at = canvas.at(part)
        lifted = (at[0], at[1], at[2] + np.float32(canvas.pose.breath_mm))
        lung = np.minimum(-diaphragm(a, lifted), cavity[part] - 1)
        spine = -_oval(at[0], at[1] - a.spine_y, a.vertebra[0] + 9, a.vertebra[1] + 14) - 2
        lung = np.minimum(lung, spine)
        x, y, z = at
        k, p = rng.uniform(0.13, 0.25, 4), rng.uniform(0, 2 * math.pi, 4)
        vessels = np.sin(x * k[0] + p[0] + np.sin(z * k[3])) * np.sin(y * k[1] + p[1])
        vessels = vessels * np.sin(z * np.float32(k[2]) + np.float32(p[2])) + np.zeros_like(lung)
        canvas.paint(part, lung, -870 + np.clip(vessels - 0.55, 0, 1) * 1100)
        heart = ellipsoid(at, (rng.uniform(10, 24), -0.45 * a.front, a.dome[1] + 42), (62.0, 44.0, 44.0), (0.15, -0.1))
        heart = np.minimum(heart, cavity[part] - 4)
        canvas.paint(part, heart, hu["fat"])
        canvas.paint(part, heart - 5, 0.5 * (hu["heart"] + hu["muscle"]))
        canvas.paint(part, heart - 15, hu["heart"])
    _ribs(canvas, a, hu, rng)


def _ribs(canvas: Canvas, a: Abdomen, hu: dict[str, float], rng: np.random.Generator) -> None:
    """The lower ribs round the trunk, falling forward; the ends of the upper ones are cartilage."""
    start, gap, fall = 118 + rng.uniform(-10, 10), rng.uniform(23, 28), rng.uniform(62, 92)
    for sign in (-1, 1):
        for number, reach in _RIBS:
            points: list[Spot] = []
            steps = 7 if number < 11 else 4
            for step in range(steps + 1):
                turn = math.pi * reach * step / steps  # 0: at the spine
                z = start - (number - 8) * gap - fall * (1 - math.cos(turn)) / 2
                points.append(_on_wall(a, sign, turn, z))
            layers = [(0.0, 0.8 * hu["bone"]), (2.6, hu["marrow"] + 60)]
            ends = round(steps * 0.75) if number < 11 else steps
            lay_tubes(canvas, points[: ends + 1], [5.2] * (ends + 1), layers)
            if ends < steps:
                lay_tubes(canvas, points[ends:], [5.5] * (steps - ends + 1), [(0.0, 105.0)])


def _on_wall(a: Abdomen, sign: int, turn: float, z: float) -> Spot:
    """A point in the muscles of the wall; `turn` runs from the back to the front."""
    way = math.sin(turn), math.cos(turn)
    depth = a.back if way[1] > 0 else a.front
    narrow = a.half_width * (1 - a.waist[0] * math.exp(-(((z - a.waist[1]) / 70) ** 2)))
    reach = (abs(way[0] / narrow) ** a.square + abs(way[1] / depth) ** a.square) ** (-1 / a.square)
    fat = 0.6 * a.fat if way[1] > 0.5 else a.fat
    inside = reach - fat - 0.45 * a.muscle - (8 if way[1] > 0.6 else 0)
    return sign * max(way[0] * inside, 26.0 if turn < 0.4 else 0.0), way[1] * inside, z
