"""What can be wrong in an abdomen: where each lesion lies, and painting it exactly as large as stated."""

import math
from collections.abc import Mapping

import numpy as np

from vesalius.phantom.bodies.abdomen import body as anatomy
from vesalius.phantom.bodies.abdomen.body import Abdomen
from vesalius.phantom.bodies.abdomen.space import At, Canvas, Region, Spot, ellipsoid
from vesalius.phantom.case import Case
from vesalius.phantom.truth import Bools, Floats, Lesion

POLES = {"upper pole": 0.62, "middle third": 0.0, "lower pole": -0.62}
_STONE_HU = {"calcified": 1100.0, "faint": 420.0}
_DEPTHS = {"renal cyst": (0.75, 0.62), "renal mass": (0.75, -0.66)}  # direction (outward, to the back): the two never meet


def place(case: Case, still: Abdomen, canvas: Canvas, lesion: Lesion) -> Spot:
    """The middle of a lesion in the body at this visit; `still` is the patient as in mid-breath."""
    rng = case.place(lesion)
    u = rng.uniform(-1, 1, 4).tolist()
    size = lesion.size_mm or 0.0
    if lesion.finding == "liver mass":
        return canvas.of_viscera([_in_liver(still, lesion, u, size)])[0]
    if lesion.finding == "gallstone":
        return canvas.of_viscera([_in_gallbladder(still, lesion, u, size)])[0]
    k = still.kidneys[str(lesion.side)]
    height = POLES[str(lesion.zone)] + 0.06 * u[0]
    if lesion.finding == "kidney stone":
        spot = k.spot(0.02 + 0.06 * u[1], -0.02 + 0.08 * u[2], 0.62 * height + 0.04 * u[3])
    else:
        out, back = _DEPTHS[lesion.finding]
        bare = math.sqrt(max(1 - height * height, 0.2))
        reach = (0.72 * bare + 0.10 * u[1]) + 0.28 * size / 2 / k.axes[0]
        spot = k.spot(out * reach, back * reach, height)
    return spot[0], spot[1], spot[2] - canvas.pose.breath_mm


def _in_liver(a: Abdomen, lesion: Lesion, u: list[float], size: float) -> Spot:
    """One of four places in each lobe, so that several masses stay apart."""
    if lesion.zone == "left lobe":
        (x, y, z), (width, _, _) = a.left_lobe
        at = (-0.1, 0.42, -0.5)[lesion.number - 1]
        return x + at * width + 4 * u[0], y + 4 * u[1], z - 6 + 5 * u[2]
    width, depth, height = a.liver
    x = -(a.half_width - a.fat - a.muscle) + width - 4
    back, up = ((0.40, 0.12), (-0.42, -0.25), (0.30, -0.62))[(lesion.number - 1 + int(u[3] > 0)) % 3]
    sunk = 1 - 0.45 * size / 70
    return (
        x - (0.22 - 0.18 * u[0]) * width * sunk,
        (back + 0.1 * u[1]) * depth * sunk,
        a.dome[0] - height * (0.95 - (up + 0.1 * u[2]) * 0.75),
    )


def _in_gallbladder(a: Abdomen, lesion: Lesion, u: list[float], size: float) -> Spot:
    """On the lower wall, which is at the back: the patient lies on it. Each stone has a part of the length to itself."""
    (x, y, z), (_, depth, length) = a.gallbladder
    up = (-0.42, 0.06, 0.5)[lesion.number - 1] * length + 2 * u[0]
    room = depth * math.sqrt(1 - (up / length) ** 2)
    return x - 0.1 * up, y + 0.45 * up + max(room - size / 2 - 2, 0.0), z + up


def paint(canvas: Canvas, a: Abdomen, lesion: Lesion, center: Spot, hu: Mapping[str, float], rng: np.random.Generator) -> Bools:
    """Paint a lesion that has a middle; gives its mask, which holds one voxel at least."""
    size = float(lesion.size_mm or 0.0)
    region = _around(canvas, center, size / 2)
    at = canvas.at(region)
    shape = lesion.attributes.get("shape", "round")
    distance, axis = _solid(at, center, size, shape, rng)
    tone = rng.uniform(-1, 1, 3).tolist()
    if lesion.finding == "liver mass":
        sign = -1 if lesion.attributes["density"] == "hypodense" else 1
        value: float | Floats = hu["liver"] + sign * (54 + 14 * tone[0])
        core = np.clip(-axis - 0.35, 0, 1) * np.float32(-sign * 10 * max(tone[1], 0))
        value = value + core
    elif lesion.finding == "renal mass":
        blotch = (
            np.sin(at[0] * np.float32(0.42) + 3 * tone[0]) * np.sin(at[1] * np.float32(0.38)) * np.sin(at[2] * np.float32(0.35))
        )
        value = hu["mass"] + 8 * tone[1] + blotch.astype(np.float32) * np.float32(0.22 * (hu["mass"] - 10))
    elif lesion.finding == "renal cyst":
        value = 6.0 + 5 * tone[0]
    else:
        value = _STONE_HU[lesion.attributes["density"]] * (1 + 0.2 * tone[0])
    width = canvas.edge_mm
    if lesion.attributes.get("margin") == "ill-defined":
        share = np.clip(distance / np.float32(0.30 * size / 2) + 0.12, 0, 1) * (distance > -0.5 * width)
        canvas.blend(region, share.astype(np.float32), value)
    else:
        canvas.paint(region, distance, value)
    mask = canvas.empty()
    mask[region] = distance > 0
    if not mask.any():
        _nearest(canvas, mask, center, value if isinstance(value, float) else float(np.mean(value)))
    return mask


def _around(canvas: Canvas, center: Spot, reach: float) -> Region:
    return canvas.region([value - reach for value in center], [value + reach for value in center])


def _nearest(canvas: Canvas, mask: Bools, center: Spot, hu: float) -> None:
    """What falls between the middles of voxels is the nearest voxel, at half its contrast."""
    z, y, x = (min(max(math.floor(value), 0), count - 1) for value, count in zip(canvas.voxel(center), mask.shape, strict=True))
    mask[z, y, x] = True
    canvas.hu[z, y, x] += 0.5 * (hu - canvas.hu[z, y, x])


def _solid(at: At, center: Spot, size: float, shape: str, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Distance from a solid whose greatest diameter is `size`, and the radius as a share of the surface's, negative inside."""
    height, turn, lobes = rng.uniform(-0.8, 0.8), rng.uniform(0, 2 * math.pi), rng.uniform(0, 2 * math.pi)
    flat = math.sqrt(1 - height * height)
    axis = (flat * math.cos(turn), flat * math.sin(turn), height)
    if shape == "round":
        distance = ellipsoid(at, center, (size / 2,) * 3)
        return distance, -distance * np.float32(2 / size)
    x, y, z = (one - np.float32(value) for one, value in zip(at, center, strict=True))
    along = x * np.float32(axis[0]) + y * np.float32(axis[1]) + z * np.float32(axis[2])
    away = np.sqrt(x * x + y * y + z * z) + np.float32(1e-4)
    cosine = along / away
    if shape == "oval":
        thin = rng.uniform(0.62, 0.78)
        radius = (size / 2) / np.sqrt(cosine**2 + (1 - cosine**2) * np.float32(1 / thin**2))
    else:  # lobulated: never wider than along its axis
        around = np.arctan2(
            z * np.float32(flat) - (x * axis[0] + y * axis[1]) * np.float32(height / max(flat, 1e-3)), x * axis[1] - y * axis[0]
        )
        sine = 1 - cosine**2
        radius = (size / 2) * (1 - sine * (0.16 + 0.10 * np.cos(3 * around + lobes)) - 0.10 * sine * (1 - sine) * 4)
    distance = radius - away
    return distance.astype(np.float32), -(distance / radius).astype(np.float32)


def ascites_mask(a: Abdomen, canvas: Canvas, cavity: Floats) -> tuple[Floats, Bools]:
    """Distance from the ascites, and its mask: along the wall of the cavity below the diaphragm."""
    whole = (slice(0, canvas.grid.shape[0]), slice(0, canvas.grid.shape[1]), slice(0, canvas.grid.shape[2]))
    at = canvas.at(whole)
    depth = anatomy.ascites_depth(a, at)
    low = at[0], at[1], at[2] + np.float32(canvas.pose.breath_mm)
    distance = np.minimum(np.minimum(cavity, depth - cavity), anatomy.diaphragm(a, low))
    mask = distance > 0
    if not mask.any():
        mask[np.unravel_index(int(np.argmax(distance)), mask.shape)] = True
    return distance, mask
