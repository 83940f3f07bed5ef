"""A section of tissue painted: stroma, glands, vessels, nuclei, necrosis, nests, and the cells that lie on top."""

import numpy as np

from vesalius.phantom.bodies.cells import red, white
from vesalius.phantom.bodies.cells.specimen import Specimen
from vesalius.phantom.bodies.cells.stamp import BASIC, EOSIN, NUCLEAR, Canvas, Stamps, grain, soft, stamps
from vesalius.phantom.bodies.cells.tissue import RED_AMOUNT, RED_SHRINK, Tissue
from vesalius.phantom.grain import KNOT_PX, texture
from vesalius.phantom.truth import Floats

_SITE_REACH_UM, _NUCLEUS_REACH_UM = 28.5, 7.6
_SHORT_UM = 4.25  # half as long as the longest nucleus of a gland


def paint(canvas: Canvas, cells: Tissue, specimen: Specimen, blur_um: float) -> None:
    """The section without the light behind it."""
    names = specimen.masks
    masks = ("gland", "lumen", "vessel", "red cell", "nucleus", "lymphocyte", "apoptotic cell", *names)
    for name in masks:
        canvas.mask(name)
    _stroma(canvas, specimen)
    _glands(canvas, cells.gland, blur_um)
    _vessels(canvas, cells.vessel, blur_um)
    red.paint_red(canvas, cells.red, blur_um, RED_AMOUNT)
    sickle, malaria = specimen.lesion("sickle cells"), specimen.lesion("malaria")
    if sickle:
        red.paint_sickles(canvas, cells.sickle, blur_um, RED_AMOUNT, sickle[2].mask, RED_SHRINK)
    if malaria:
        red.paint_parasites(canvas, cells.parasite, blur_um, malaria[2].mask, 1.0)
    _nuclei(canvas, cells.nucleus, blur_um, 0.3)
    necrosis, nest = specimen.lesion("necrosis"), specimen.lesion("malignant cells")
    if necrosis:
        _necrosis(canvas, cells.necrosis, blur_um, necrosis[2].mask)
    if nest:
        _nest(canvas, cells.nest, blur_um, nest[2].mask)
        _nuclei(canvas, cells.nest_nucleus, blur_um, 0.55)
    white.paint(canvas, cells.white, white.TISSUE, blur_um, names)
    canvas.masks.pop(white.OPAQUE, None)


def _stroma(canvas: Canvas, specimen: Specimen) -> None:
    """Wavy collagen, a function of the place on the slide alone."""
    rows, columns = canvas.shape
    step = np.float32(canvas.step_um)
    low = [np.float32(corner + edge) for corner, edge in zip(canvas.corner_um, canvas.low_um, strict=True)]
    y = low[0] + (np.arange(rows, dtype=np.float32)[:, None] + np.float32(0.5)) * step
    x = low[1] + (np.arange(columns, dtype=np.float32)[None] + np.float32(0.5)) * step
    period, one, two = (np.float32(number) for number in specimen.wave)
    wide = np.float32(2 * np.pi) / period
    bend = np.sin(x * wide + one) + np.sin(y * (wide * np.float32(1.3)) + two)
    bend = bend + np.sin((x + y) * (wide * np.float32(2.6)) + one * 2) * np.float32(0.55)
    cosine, sine = np.cos(one), np.sin(one)
    # Fibers are noise drawn out along one direction, which bends slowly.
    across = y * cosine - x * sine + bend * np.float32(5.0) + np.float32(8192)
    along = x * cosine + y * sine + np.float32(8192)
    fiber = texture(across * np.float32(7.2), along * np.float32(0.84))
    fiber += texture(across * np.float32(2.7), along * np.float32(0.46)) * np.float32(0.9)
    loose = np.maximum(bend - np.float32(0.7), 0) * np.float32(0.14)
    canvas.dyes[EOSIN] = np.maximum(np.float32(0.50) + np.float32(0.17) * fiber - loose, np.float32(0.05))
    canvas.dyes[BASIC] = np.float32(0.06)


def _inside(stamp: Stamps, rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Distance inside of each site's outline, µm, the angle, and the outline's radius there, (N, P, P)."""
    angle = np.arctan2(stamp.dy, stamp.dx)
    one, two, three = (rows[:, column, None, None] * np.float32(6.283) for column in (4, 5, 6))
    wave = np.float32(0.11) * np.cos(2 * angle + one) + np.float32(0.06) * np.cos(3 * angle + two)
    rim = rows[:, 2, None, None] * (1 + wave + np.float32(0.03) * np.cos(5 * angle + three))
    return rim - np.sqrt(stamp.dy**2 + stamp.dx**2), angle, rim


def _glands(canvas: Canvas, rows: Floats, blur_um: float) -> None:
    """A ring of tall cells about a lumen, mucin in some of them."""
    rows = rows[canvas.sees(rows, 0.0) | canvas.sees(rows, np.asarray(rows[:, 2] * 1.2, np.float32))]
    if not len(rows):
        return
    square = stamps(canvas, rows[:, 0], rows[:, 1], _SITE_REACH_UM)
    full_depth, full_angle, full_rim = _inside(square, rows)
    inside = (full_depth > 0) & (square.at < canvas.dyes[0].size)
    stamp, cell = square.only(inside)
    depth, angle, rim = full_depth[inside], full_angle[inside], full_rim[inside]
    own = rows[cell]
    height = rim * (0.60 + own[:, 7] * np.float32(0.2))  # the part of the radius that the epithelium takes
    lumen_um = depth - height
    cover, hollow = soft(depth.copy(), canvas, blur_um), soft(lumen_um.copy(), canvas, blur_um)
    stamp.hide(cover)
    tall = cover - hollow
    # Goblet cells: ovals of mucin towards the lumen, in some of the cells around.
    cells = np.round(own[:, 2] * np.float32(0.75))
    turn = (angle * np.float32(1 / 6.2832) + own[:, 8] + 1) * cells
    number = np.floor(turn)
    arc = (turn - number - np.float32(0.5)) * (6.2832 * np.maximum(rim - height, 2) * np.float32(1.35) / cells)
    some = np.sin(number % cells * np.float32(12.9898) + own[:, 9] * 78) < own[:, 9] * 1.7 - 1.1
    oval = 1 - (arc * np.float32(0.42)) ** 2 - ((lumen_um + 4.6) * np.float32(0.26)) ** 2
    mucin = np.clip(oval * 2.5, 0, 0.92) * some
    border = np.exp(-(((lumen_um + 0.7) / 0.7) ** 2)) * np.float32(0.35) + np.exp(-(((depth - 0.5) / 0.6) ** 2)) * np.float32(0.3)
    scale = np.float32(KNOT_PX / 3.0)
    fine = texture((stamp.dy + 900 * own[:, 5]) * scale, (stamp.dx + 900 * own[:, 6]) * scale) * np.float32(0.08)
    stamp.add(EOSIN, tall * ((0.60 + border + fine) * (1 - mucin) + 0.08 * mucin) + hollow * (0.03 + 0.2 * own[:, 10] ** 4))
    stamp.add(BASIC, tall * ((0.30 + fine) * (1 - mucin) + 0.30 * mucin))
    canvas.mask("gland").ravel()[stamp.at] = True
    canvas.mask("lumen").ravel()[stamp.at[lumen_um > 0]] = True


def _vessels(canvas: Canvas, rows: Floats, blur_um: float) -> None:
    """A thin wall and plasma within."""
    rows = rows[canvas.sees(rows, 20.0)]
    if not len(rows):
        return
    stamp = stamps(canvas, rows[:, 0], rows[:, 1], 20.0)
    inside_um, _, _ = _inside(stamp, rows)
    cover = soft(inside_um + np.float32(1.4), canvas, blur_um)
    lumen = soft(inside_um.copy(), canvas, blur_um)
    stamp.hide(cover)
    stamp.add(EOSIN, (cover - lumen) * np.float32(0.95) + lumen * (0.06 + 0.16 * rows[:, 8, None, None]))
    stamp.mark("vessel", inside_um > 0)


def _nuclei(canvas: Canvas, rows: Floats, blur_um: float, chromatin: float) -> None:
    """Oval nuclei with a rim and clumps of chromatin; of a tumor's nest, uneven in every way."""
    short = rows[:, 2] < _SHORT_UM
    for which, reach_um in ((short, 1.1 * _SHORT_UM), (~short, _NUCLEUS_REACH_UM)):
        part = rows[which]
        part = part[canvas.sees(part, reach_um)]
        if len(part):
            _ovals(canvas, part, blur_um, chromatin, reach_um)


def _ovals(canvas: Canvas, rows: Floats, blur_um: float, chromatin: float, reach_um: float) -> None:
    """Nuclei of about one size."""
    stamp = stamps(canvas, rows[:, 0], rows[:, 1], reach_um)
    long, short = rows[:, 2, None, None], rows[:, 3, None, None]
    cosine, sine = np.cos(rows[:, 4])[:, None, None], np.sin(rows[:, 4])[:, None, None]
    u = stamp.dx * (cosine / long) + stamp.dy * (sine / long)
    v = stamp.dy * (cosine / short) - stamp.dx * (sine / short)
    rho = np.sqrt(u * u + v * v)
    inside_um = np.asarray((1 - rho + np.float32(0.22 * chromatin) * u * v) * short, np.float32)
    inside = inside_um > 0
    stamp.mark("nucleus", inside)
    drawn, cell = stamp.only(inside)  # a third of the squares
    rho, u, v = rho[inside], u[inside], v[inside]
    amount = grain(drawn, rows[:, 6:9], 1.7, cell)
    amount *= np.float32(chromatin)
    rho *= np.float32(0.22)
    amount += rho
    amount += np.float32(0.86)
    amount *= rows[cell, 5]
    if chromatin > 0.3:  # nucleoli
        long, short = rows[cell, 2], rows[cell, 3]
        off = u * long - long * (rows[cell, 7] - np.float32(0.5))
        amount += np.clip(1.9 - np.hypot(off, v * short) * 1.6, 0, 1) * np.float32(2 * (chromatin - 0.3))
    np.maximum(amount, np.float32(0.1), out=amount)
    amount *= soft(inside_um[inside], canvas, blur_um)
    drawn.add(NUCLEAR, amount)


def _necrosis(canvas: Canvas, rows: Floats, blur_um: float, name: str) -> None:
    """Bright, without structure but for ghosts of cells and dust of nuclei."""
    reach_um = float(rows[0, 2]) * 1.2 + 2.5
    rows = rows[canvas.sees(rows, reach_um)]
    if not len(rows):
        return
    stamp = stamps(canvas, rows[:, 0], rows[:, 1], reach_um)
    inside_um, _, _ = _inside(stamp, rows)
    inside_um += grain(stamp, rows[:, 8:11], 6.0) * np.float32(2.0)
    cover = soft(inside_um, canvas, blur_um * 2)
    stamp.hide(cover)
    ghosts, dust = grain(stamp, rows[:, 4:7], 6.5), grain(stamp, rows[:, 7:10], 1.9)
    stamp.add(EOSIN, cover * (1.0 + 0.32 * ghosts))
    stamp.add(NUCLEAR, cover * np.clip((dust - 0.55) * 3.0, 0, 1) * np.float32(1.3))
    stamp.mark(name, inside_um > 0)


def _nest(canvas: Canvas, rows: Floats, blur_um: float, name: str) -> None:
    """The body of a tumor nest: purplish cytoplasm, pushed against the stroma."""
    reach_um = float(rows[0, 2]) * 1.2 + 2.5
    rows = rows[canvas.sees(rows, reach_um)]
    if not len(rows):
        return
    stamp = stamps(canvas, rows[:, 0], rows[:, 1], reach_um)
    inside_um, _, _ = _inside(stamp, rows)
    inside_um += grain(stamp, rows[:, 8:11], 7.0) * np.float32(1.6)
    cover = soft(inside_um, canvas, blur_um)
    stamp.hide(cover)
    uneven, fine = grain(stamp, rows[:, 4:7], 8.0), grain(stamp, rows[:, 7:10], 2.0)
    stamp.add(EOSIN, cover * (0.5 + 0.16 * uneven + 0.08 * fine))
    stamp.add(BASIC, cover * (0.48 - 0.16 * uneven + 0.10 * fine))
    stamp.mark(name, inside_um > 0)
