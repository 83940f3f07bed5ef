"""What is on a radiograph beside the patient's organs: skin folds, electrodes with their leads, a fissure, the shutters' edge."""

import math
from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.chest.body import Chest
from vesalius.phantom.bodies.chest.spans import Rays, Reals
from vesalius.phantom.paint import Points, lay_tubes


@dataclass(frozen=True, eq=False)
class Clutter:
    """Drawn at each visit anew, in the body's frame, mm."""

    folds: tuple[tuple[float, float, float, float, float], ...]  # x, z, angle, length, attenuation
    leads: tuple[Points, ...]  # (points, 2): x and z
    buttons: tuple[tuple[float, float, float], ...]  # x, z, radius
    shutters_mm: tuple[float, float, float, float]  # what is cut off at left, right, top, bottom


def clutter_of(rng: np.random.Generator, c: Chest) -> Clutter:
    """In an order that never changes."""
    folds: list[tuple[float, float, float, float, float]] = []
    leads: list[Points] = []
    buttons: list[tuple[float, float, float]] = []
    has_fold, has_leads, has_shutters = rng.random() < 0.3, rng.random() < 0.15, rng.random() < 0.4
    for _ in range(2):
        side = 1.0 if rng.random() < 0.5 else -1.0
        x, z = side * (c.lung_u + rng.uniform(20, 70)), rng.uniform(-40, 80)
        fold = (float(x), float(z), side * float(rng.uniform(-0.25, 0.5)), float(rng.uniform(60, 130)), rng.uniform(0.06, 0.14))
        if has_fold and (not folds or rng.random() < 0.4):
            folds.append(fold)
    for _ in range(3):
        at = np.array([rng.uniform(-110, 110), rng.uniform(-60, 90)])
        heading, bends = rng.uniform(0, 2 * math.pi), np.cumsum(rng.normal(0, 0.035, 110))
        steps = np.stack([np.cos(heading + bends), np.sin(heading + bends)], axis=1) * 2.0
        radius = float(rng.uniform(3.2, 5.5))
        if has_leads:
            leads.append(at + np.cumsum(steps, axis=0))
            buttons.append((float(at[0]), float(at[1]), radius))
    cut = tuple(float(v) for v in rng.uniform(-6, 9, 4)) if has_shutters else (0.0, 0.0, 0.0, 0.0)
    return Clutter(tuple(folds), tuple(leads), tuple(buttons), (cut[0], cut[1], cut[2], cut[3]))


def lay_clutter(found: Reals, clutter: Clutter, c: Chest, rays: Rays) -> None:
    """Adds what it attenuates to a frontal picture."""
    for x0, z0, angle, length, amount in clutter.folds:
        rows, columns = rays.window((x0 - 90, z0 - 90, x0 + 90, z0 + 90))
        x, z = rays.at(rows, columns)
        cosine, sine = math.cos(angle), math.sin(angle)
        along, off = (z - z0) * cosine + (x - x0) * sine, ((x - x0) * cosine - (z - z0) * sine) * -np.sign(x0)
        off = off + along * along * 0.0012
        ends = np.clip((length / 2 - np.abs(along)) * (1 / 25), 0, 1)
        found[rows, columns] += amount * np.exp(np.minimum(-off * (1 / 16), 0)) * (off > 0) * ends
    scale = math.sqrt(1 / rays.area_mm2)
    for lead in clutter.leads:
        row, column = rays.pixel(lead[:, 0], lead[:, 1])
        lay_tubes(found, column, row, np.full(len(lead), 0.55 * scale * scale), max(0.5 * scale, 0.4))
    for x0, z0, radius in clutter.buttons:
        rows, columns = rays.window((x0 - radius, z0 - radius, x0 + radius, z0 + radius))
        x, z = rays.at(rows, columns)
        far = (x - x0) ** 2 + (z - z0) ** 2
        found[rows, columns] += 0.35 * (far < radius * radius) + 0.3 * (far < 0.3 * radius * radius)
    if c.azygos:
        rows, columns = rays.window((-c.lung_u - 60, c.arch[1] - 10, -c.mediastinum, c.apex_z))
        x, z = rays.at(rows, columns)
        line = np.abs(x + c.mediastinum + 14 + 24 * np.sin(np.clip((z - c.arch[1]) / (c.apex_z - c.arch[1]), 0, 1) * 2.2))
        found[rows, columns] += 0.10 * np.maximum(1 - line * (1 / 2.0), 0) * (z > c.arch[1]) * (z < c.apex_z - 3)


def shuttered(picture: Reals, clutter: Clutter, spacing_mm: float) -> None:
    """Black where the shutters were closed."""
    size_px = len(picture)
    edges = [min(max(round(v / spacing_mm), 0), size_px // 8) for v in clutter.shutters_mm]
    picture[:, : edges[0]] = 0
    picture[:, size_px - edges[1] :] = 0
    picture[: edges[2]] = 0
    picture[size_px - edges[3] :] = 0
