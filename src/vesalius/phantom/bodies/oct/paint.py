"""How a section of the macula looks: what each layer sends back, shadows of vessels, texture of the choroid, and speckle.

Gray values are those of the logarithmic display, in [0, 1]; pictures are (Y, X) float32.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.oct import lesions as disease
from vesalius.phantom.bodies.oct.lesions import Placed
from vesalius.phantom.bodies.oct.retina import BORDERS, Retina
from vesalius.phantom.case import Case
from vesalius.phantom.grid import Grid
from vesalius.phantom.paint import Points, blur, noise
from vesalius.phantom.truth import Bools, Floats

FLUID, VITREOUS = 0.10, 0.11  # the vitreous varies about it
_GRAY = {
    "nerve fiber layer": 0.74,
    "ganglion cell layer": 0.54,
    "inner nuclear layer": 0.36,
    "outer plexiform layer": 0.56,
    "outer nuclear layer": 0.27,
    "photoreceptors": 0.40,
    "subretinal space": FLUID,
    "pigment epithelium": 0.92,
    "space under the pigment epithelium": 0.48,
    "choroid": 0.52,
    "sclera": 0.44,
}
_BANDS = ((0.30, 0.84), (0.52, 0.50), (0.74, 0.74))  # of the photoreceptors: from which share on, and gray there
_MEMBRANE_MM = 0.018


@dataclass(frozen=True)
class Scan:
    """How one section is taken."""

    shift_mm: tuple[float, float]
    tilt: float
    gain: float
    speckle: float
    lean: float
    corner: float


def scan_of(case: Case) -> Scan:
    """Position and signal of this visit."""
    rng = case.pose(0)
    shift = rng.uniform(-0.6, 0.6), rng.uniform(0.16, 0.42)
    return Scan(
        shift_mm=(float(shift[0]), float(shift[1])),
        tilt=float(rng.uniform(-0.07, 0.07)),
        gain=float(rng.uniform(0.72, 1.16)),
        speckle=float(rng.uniform(0.05, 0.10)),
        lean=float(rng.uniform(-0.06, 0.06)),
        corner=float(rng.uniform(0.15, 0.6)) if rng.random() < 0.35 else 0.0,
    )


def section(
    case: Case, retina: Retina, placed: Sequence[Placed], lines: Mapping[str, Points], x_mm: Points, y_mm: Floats, step_mm: float
) -> Floats:
    """The section without its noise.

    Args:
        case: whose body it is.
        retina: of the patient.
        placed: what is wrong with it.
        lines: depth in mm of each of `BORDERS`, (X,), in the picture's frame.
        x_mm: (X,) in the eye's frame.
        y_mm: (Y, 1) in the picture's frame.
        step_mm: between rows.
    """
    rng = case.body(1)
    own = rng.uniform(0.88, 1.12, len(BORDERS))
    gray = {name: np.full(len(x_mm), _GRAY[name] * factor) for name, factor in zip(BORDERS, own, strict=True)}
    gone = disease.atrophied(placed, x_mm)
    gray["photoreceptors"] += gone * (0.45 - gray["photoreceptors"])
    gray["pigment epithelium"] += gone * (0.62 - gray["pigment epithelium"])
    streaks = 1 + 0.3 * np.sin(x_mm * (23 + 9 * own[0]) + 60 * own[1]) * np.sin(x_mm * 11 + 60 * own[2])
    gray["choroid"] += 0.17 * gone * streaks
    gray["sclera"] += 0.15 * gone * streaks
    for item in placed:
        if item.lesion.finding == "pigment epithelial detachment":
            inside = np.abs(x_mm - item.x_mm) < item.half_mm
            gray["space under the pigment epithelium"][inside] = 0.13 if item.lesion.attributes["content"] == "serous" else 0.46
            gray["choroid"] -= 0.06 * inside
    steps = _steps(lines, gray, gone)
    picture = np.full((y_mm.shape[0], len(x_mm)), np.float32(VITREOUS))
    cover = np.empty_like(picture)
    for line, rise in steps:
        _below(y_mm, line, step_mm, cover)
        cover *= rise.astype(np.float32)
        picture += cover
    _choroid(rng, lines, y_mm, x_mm, step_mm, picture)
    _vessels(rng, lines, x_mm, y_mm, step_mm, picture)
    return picture


def _steps(lines: Mapping[str, Points], gray: Mapping[str, Points], gone: Points) -> list[tuple[Points, Points]]:
    """Each border with what the gray value rises by when it is crossed; the photoreceptors have bands of their own."""
    found, before = [], np.full(len(gone), VITREOUS)
    for name in BORDERS:
        found.append((lines[name], gray[name] - before))
        before = gray[name]
        if name == "photoreceptors":
            thick = lines["subretinal space"] - lines[name]
            for share, bright in _BANDS:
                band = bright + gone * (0.45 - bright)
                found.append((lines[name] + share * thick, band - before))
                before = band
    return found


def _below(y_mm: Floats, line_mm: Points, step_mm: float, out: Floats) -> None:
    """The share of each pixel that lies below a border."""
    np.subtract(y_mm, line_mm.astype(np.float32), out=out)
    out *= np.float32(1 / step_mm)
    out += np.float32(0.5)
    np.clip(out, 0, 1, out=out)


def _choroid(
    rng: np.random.Generator, lines: Mapping[str, Points], y_mm: Floats, x_mm: Points, step_mm: float, picture: Floats
) -> None:
    """Vessels of the choroid as dark and bright islands that follow Bruch's membrane; light fades with depth."""
    seeds = rng.integers(0, 2**32, 2)
    top, bottom = (lines[name].astype(np.float32) for name in ("choroid", "sclera"))
    first = max(int((float(top.min()) - float(y_mm[0, 0])) / step_mm), 0)
    if first >= len(y_mm):
        return
    deep = y_mm[first:] - top
    rows = max(int(0.62 / step_mm), 4)  # the texture is made flat, then bent
    unit_x = ((x_mm + 3.6) / 7.2).astype(np.float32)
    low, high = (((np.arange(rows) + 0.5) / rows * share).astype(np.float32) for share in (0.42, 0.28))
    flat = noise(np.random.Generator(np.random.PCG64(int(seeds[0]))), 22, unit_x, low)
    flat += np.float32(0.7) * noise(np.random.Generator(np.random.PCG64(int(seeds[1]))), 48, unit_x, high)
    at = np.clip(deep * np.float32(rows / 0.62), 0, rows - 1).astype(np.intp)
    islands = np.clip(flat * np.float32(1.6), -1, 1)[at, np.arange(len(x_mm))]
    inside = np.clip(deep * np.float32(1 / 0.03), 0, 1) * np.clip((bottom - y_mm[first:]) * np.float32(1 / 0.03), 0, 1)
    part = picture[first:]
    islands *= inside
    part += islands * np.float32(0.14)
    fade = np.exp(np.maximum(deep, 0) * np.float32(-1.7))
    part *= fade


def _vessels(
    rng: np.random.Generator, lines: Mapping[str, Points], x_mm: Points, y_mm: Floats, step_mm: float, picture: Floats
) -> None:
    """Vessels of the retina cut across: a bright spot in the inner layers, and the shadow below it."""
    at = rng.uniform(0.65, 3.3, 6) * np.where(rng.random(6) < 0.5, -1, 1)
    wide, dark = rng.uniform(0.025, 0.075, 6), rng.uniform(0.08, 0.36, 6)
    keep = 1 - sum(
        (depth * np.exp(-(((x_mm - middle) / half) ** 2)) for middle, half, depth in zip(at, wide, dark, strict=True)),
        np.zeros(len(x_mm)),
    )
    cover = np.empty_like(picture)
    center = 0.5 * (lines["ganglion cell layer"] + lines["inner nuclear layer"]) - 0.012
    _below(y_mm, center + 0.02, step_mm, cover)
    cover *= (1 - keep).astype(np.float32)
    picture *= 1 - cover
    for middle, half in zip(at, wide, strict=True):
        columns = np.flatnonzero(np.abs(x_mm - middle) < half)
        if not len(columns):
            continue
        deep = np.abs(y_mm - center[columns].astype(np.float32)) * np.float32(1 / (0.7 * half))
        span = slice(int(columns[0]), int(columns[-1]) + 1)
        across = ((x_mm[columns] - middle) / half).astype(np.float32)
        picture[:, span] += np.float32(0.16) * np.maximum(1 - deep * deep - across * across, 0)


def cysts(item: Placed, lines: Mapping[str, Points], x_mm: Points, y_mm: Floats, grid: Grid, picture: Floats) -> Bools:
    """Intraretinal fluid, drawn in place; where it is."""
    found = disease.cysts_of(item)
    mask = np.zeros(grid.shape, np.bool_)
    order = np.argsort(x_mm)
    step_y, step_x = grid.spacing_mm
    for middle, is_inner, along, deep in zip(found.x_mm, found.is_inner, found.along_mm, found.deep_mm, strict=True):
        names = ("inner nuclear layer", "outer plexiform layer") if is_inner else ("outer nuclear layer", "photoreceptors")
        center = sum(float(np.interp(middle, x_mm[order], lines[name][order])) for name in names) / 2
        columns = np.flatnonzero(np.abs(x_mm - middle) < along + step_x)
        rows = np.flatnonzero(np.abs(y_mm[:, 0] - center) < deep + step_y)
        if not len(columns) or not len(rows):
            continue
        window = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        u = ((x_mm[columns] - middle) / along).astype(np.float32)
        v = (y_mm[rows] - np.float32(center)) * np.float32(1 / deep)
        inside = 1 - np.sqrt(u * u + v * v)
        cover = np.clip(inside * np.float32(deep / step_y) + np.float32(0.5), 0, 1)
        picture[window] += cover * (np.float32(FLUID) - picture[window])
        mask[window] |= inside > 0
        mask[np.argmin(np.abs(y_mm[:, 0] - center)), np.argmin(np.abs(x_mm - middle))] = True
    return mask


def hole(item: Placed, lines: Mapping[str, Points], x_mm: Points, y_mm: Floats, grid: Grid, picture: Floats) -> Bools:
    """A gap through the whole retina, drawn in place; where it is."""
    columns = np.flatnonzero(np.abs(x_mm - item.x_mm) < item.half_mm + grid.spacing_mm[1])
    span = slice(int(columns[0]), int(columns[-1]) + 1)
    top, base = (lines[name][columns].astype(np.float32) for name in ("nerve fiber layer", "pigment epithelium"))
    rows = np.flatnonzero((y_mm[:, 0] > top.min() - 0.05) & (y_mm[:, 0] < base.max() + 0.05))
    up = (base - y_mm[rows]) / (base - top)
    half = disease.hole_half_mm(item, np.clip(up, 0, 1)).astype(np.float32)
    beside = half - np.abs(x_mm[columns] - item.x_mm).astype(np.float32)
    cover = np.clip(beside * np.float32(1 / grid.spacing_mm[1]) + np.float32(0.5), 0, 1) * (up > 0)
    part = picture[rows[0] : rows[-1] + 1, span]
    part += cover * (np.minimum(np.float32(VITREOUS), part) - part)
    mask = np.zeros(grid.shape, np.bool_)
    mask[rows[0] : rows[-1] + 1, span] = (beside > 0) & (up > 0) & (up < 1)
    return mask


def membrane(item: Placed, lines: Mapping[str, Points], x_mm: Points, y_mm: Floats, grid: Grid, picture: Floats) -> Bools:
    """A bright line on the retina's surface, drawn in place; where it is."""
    bottom = lines["nerve fiber layer"] - disease.wrinkles((item,), x_mm) - 0.003
    thick = _MEMBRANE_MM * np.maximum(1 - ((x_mm - item.x_mm) / item.half_mm) ** 8, 0.05)
    inside = np.clip((item.half_mm - np.abs(x_mm - item.x_mm)) / grid.spacing_mm[1] + 0.5, 0, 1).astype(np.float32)
    above, below = np.empty_like(picture), np.empty_like(picture)
    _below(y_mm, bottom - thick, grid.spacing_mm[0], above)
    _below(y_mm, bottom, grid.spacing_mm[0], below)
    above -= below
    above *= inside
    picture += above * (np.float32(0.92) - picture)
    return banded(bottom - thick, bottom, np.abs(x_mm - item.x_mm) < item.half_mm, y_mm)


def banded(top_mm: Points, bottom_mm: Points, columns: Bools, y_mm: Floats) -> Bools:
    """Between two borders in some columns; the nearest pixel where none has its center between."""
    mask: Bools = (y_mm > top_mm.astype(np.float32)) & (y_mm < bottom_mm.astype(np.float32)) & columns
    thin = np.flatnonzero(columns & ~mask.any(axis=0))
    step = float(y_mm[1, 0] - y_mm[0, 0])
    rows = np.round(((top_mm + bottom_mm)[thin] / 2 - float(y_mm[0, 0])) / step).astype(np.intp)
    mask[np.clip(rows, 0, len(y_mm) - 1), thin] = True
    return mask


def vitreous(case: Case, lines: Mapping[str, Points], x_mm: Points, y_mm: Floats, step_mm: float, picture: Floats) -> None:
    """The vitreous' own membrane, in two of five eyes: a thin line before the retina, drawn in place."""
    rng = case.body(2)
    height, bow, gray, is_there = rng.uniform(0.03, 0.20), rng.uniform(0.004, 0.02), rng.uniform(0.10, 0.30), rng.random() < 0.4
    if not is_there:
        return
    surface = lines["nerve fiber layer"]
    line = np.minimum(float(np.median(surface)) - height - bow * x_mm**2 * np.sign(rng.random() - 0.3), surface - 0.02)
    deep = np.abs(y_mm - line.astype(np.float32)) * np.float32(1 / max(0.010, 0.8 * step_mm))
    picture += np.maximum(1 - deep, 0) * np.float32(gray)


def exposed(case: Case, scan: Scan, grid: Grid, picture: Floats) -> Floats:
    """Uneven signal, shadows of what floats in the vitreous, and speckle, which the log display makes the same everywhere."""
    rng = case.pose(1)
    _, x = grid.axes_mm()
    edge = np.clip((np.abs(x) - np.float32(1.7)) / np.float32(1.5), 0, 1) * (np.sign(scan.lean) * x > 0)
    gain = np.float32(scan.gain) * (1 + np.float32(scan.lean / 3) * x) * (1 - np.float32(scan.corner) * edge)
    gain *= 1 + np.float32(0.09) * noise(rng, 9, ((x.ravel() + 3) / 6).astype(np.float32), np.zeros(1, np.float32))
    for _ in range(int(rng.integers(0, 3))):
        at, half, dark = rng.uniform(-3, 3), rng.uniform(0.1, 0.55), rng.uniform(0.15, 0.5)
        gain *= 1 - np.float32(dark) * np.exp(-(((x - np.float32(at)) / np.float32(half)) ** 4))
    shown: Floats = picture * gain
    shown += np.float32(rng.uniform(-0.05, 0.06))
    shown = blur(shown, case.look.blur * 0.0055 / grid.spacing_mm[0])
    raw = np.frombuffer(case.pose(2).bytes(2 * shown.size), np.uint8).reshape(2, *shown.shape)
    grain = _SPECKLE[raw[0]] + _SPECKLE[raw[1]]
    sigma = 0.0042 / grid.spacing_mm[0]
    if sigma > 0.5:
        grain = blur(grain, sigma) * np.float32(1 + 1.7 * sigma)
    grain *= np.float32(scan.speckle * case.look.noise / 1.41)
    shown += grain
    return shown


def _speckle() -> Floats:
    """Quantiles of the logarithm of an exponential intensity, of mean 0 and standard deviation 1, (256,)."""
    values = np.log(-np.log1p(-(np.arange(256) + 0.5) / 256))
    table: Floats = ((values - values.mean()) / values.std()).astype(np.float32)
    return table


_SPECKLE = _speckle()
