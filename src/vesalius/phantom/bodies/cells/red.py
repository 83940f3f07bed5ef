"""Red cells, sickled ones, parasites in them, platelets and precipitate."""

import numpy as np

from vesalius.phantom.bodies.cells.stamp import BASIC, DARK, EOSIN, NUCLEAR, Canvas, Stamps, soft, stamps
from vesalius.phantom.truth import Bools, Floats

STAGES = ("ring", "trophozoite", "schizont")
RED_ROW, SICKLE_ROW, PARASITE_ROW, DOT_ROW = 12, 8, 12, 8
RED_REACH_UM = 6.1  # from an oval red cell's center
SICKLE_UM = 6.2  # half of the length
_SICKLE_WIDE = 1.9


def paint_red(canvas: Canvas, rows: Floats, blur_um: float, amount: float) -> None:
    """Red cells, (N, 12): y, x, radius, elongation, angle, pallor's depth, radius and place (y, x), density, wobble, phase.

    Where two overlap the light passes both.
    """
    is_oval = rows[:, 3] > np.float32(1.13)
    for which, reach_um in ((~is_oval, 5.25), (is_oval, RED_REACH_UM)):
        part = rows[which]
        part = part[canvas.sees(part, reach_um)]
        if len(part):
            _paint_red(canvas, part, blur_um, amount, reach_um)


def _paint_red(canvas: Canvas, rows: Floats, blur_um: float, amount: float, reach_um: float) -> None:
    """Red cells of which none reaches farther from its center."""
    stamp = stamps(canvas, rows[:, 0], rows[:, 1], reach_um)
    one = [rows[:, column, None, None] for column in range(RED_ROW)]
    stretch = np.sqrt(one[3])
    cosine, sine = np.cos(one[4]) / one[2], np.sin(one[4]) / one[2]
    u = (stamp.dx * cosine + stamp.dy * sine) / stretch
    v = (stamp.dy * cosine - stamp.dx * sine) * stretch
    square = u * u + v * v
    rho = np.sqrt(square)
    np.maximum(rho, np.float32(1e-3), out=rho)
    # A gentle triangle on each outline: cos 3θ out of the coordinates.
    bump = u * (u * u - 3 * v * v) / (rho * square + np.float32(1e-3))
    inside_um = np.asarray((1 + one[10] * bump - rho) * one[2], np.float32)
    cover = soft(inside_um, canvas, blur_um)
    pale = (u - one[8]) ** 2 + (v - one[7]) ** 2
    pale *= 1 / (one[6] * one[6])
    np.subtract(1, pale, out=pale)
    np.maximum(pale, 0, out=pale)
    pale *= pale * (3 - 2 * pale)
    cover *= (1 - one[5] * pale) * (one[9] * np.float32(amount))
    stamp.add(EOSIN, cover)
    stamp.mark("red cell", inside_um > 0)


def paint_sickles(canvas: Canvas, rows: Floats, blur_um: float, amount: float, name: str, size: float) -> None:
    """Sickled cells, dense, without a pale middle: (N, 8) of y, x, angle, bend, width, length, density, and one number.

    `size` shrinks them in tissue.
    """
    rows = rows[canvas.sees(rows, 9.0)]
    if not len(rows):
        canvas.mask(name)
        return
    stamp = stamps(canvas, rows[:, 0], rows[:, 1], 9.0)
    one = [rows[:, column, None, None] for column in range(SICKLE_ROW)]
    cosine, sine = np.cos(one[2]), np.sin(one[2])
    u, v = stamp.dx * cosine + stamp.dy * sine, stamp.dy * cosine - stamp.dx * sine
    half = np.float32(SICKLE_UM * size) * (0.85 + 0.3 * one[5])
    along = u / half
    bow = (0.30 + 0.28 * one[3]) * half  # of a crescent: its middle line is a parabola
    rest = np.maximum(1 - along * along, 0)
    wide = np.float32(_SICKLE_WIDE * size) * (0.85 + 0.35 * one[4]) * np.sqrt(rest) * (0.45 + 0.55 * rest)
    inside_um = wide - np.abs(v - bow * (rest - np.float32(0.6)))
    inside_um[np.broadcast_to(rest <= 0, inside_um.shape)] = -1
    cover = soft(inside_um, canvas, blur_um)
    stamp.hide(cover)  # it pushes other red cells aside
    cover *= (1.7 + 0.5 * one[6]) * np.float32(amount)
    stamp.add(EOSIN, cover)
    inside = inside_um > 0
    stamp.mark(name, inside)
    stamp.mark("red cell", inside)


def paint_parasites(canvas: Canvas, rows: Floats, blur_um: float, name: str, strength: float) -> None:
    """Parasites inside of red cells, (N, 12): y, x, stage, and random numbers.

    A ring has a thin basophilic rim around a vacuole and one dot of chromatin; a trophozoite is a solid body with pigment;
    a schizont a mulberry of eight and more dots about its pigment.
    """
    rows = rows[canvas.sees(rows, 4.0)]
    if not len(rows):
        canvas.mask(name)
        return
    stamp = stamps(canvas, rows[:, 0], rows[:, 1], 4.2)
    stage = rows[:, 2].astype(np.intp)
    away = np.sqrt(stamp.dy**2 + stamp.dx**2)
    radius = (np.array([1.55, 2.05, 2.75], np.float32)[stage] * (0.92 + 0.2 * rows[:, 3]))[:, None, None]
    wave = np.array([0.0, 0.22, 0.10], np.float32)[stage][:, None, None]
    angle = rows[:, 4, None, None] * np.float32(6.283)
    bend = stamp.dx * np.cos(angle) + stamp.dy * np.sin(angle)
    body_um = radius * (1 + wave * np.sin(bend * np.float32(2.1) + rows[:, 5, None, None] * 6)) - away
    ring = (stage == 0)[:, None, None]
    hollow = np.float32(0.62)
    shell_um = np.where(ring, np.minimum(body_um + np.float32(0.3), hollow - body_um), body_um)
    shell = soft(shell_um, canvas, blur_um * 0.7)
    dots_um = np.full(stamp.at.shape, np.float32(-9))
    for dot in range(9):
        turn = angle + np.float32(dot * 0.785)
        which = stage == 2 if dot else np.ones(len(rows), np.bool_)
        ring_at = np.array([0.92, 0.45, 0.68], np.float32)[stage][:, None, None] if dot < 8 else np.float32(0)
        size = np.array([0.72, 0.85, 0.62], np.float32)[stage][:, None, None]
        y, x = ring_at * radius * np.sin(turn), ring_at * radius * np.cos(turn)
        reach = size - np.sqrt((stamp.dy - y) ** 2 + (stamp.dx - x) ** 2)
        np.maximum(dots_um, np.where(which[:, None, None], reach, np.float32(-9)), out=dots_um)
    dots = soft(dots_um, canvas, blur_um * 0.7)
    pigment_um = np.array([-9, 0.55, 0.6], np.float32)[stage][:, None, None] - np.sqrt(
        (stamp.dy + 0.9 * (stage == 1)[:, None, None]) ** 2 + stamp.dx**2
    )
    stamp.add(BASIC, shell * np.float32(1.25 * strength))
    stamp.add(NUCLEAR, shell * np.float32(0.28 * strength) + dots * np.float32(1.5 * strength))
    stamp.add(DARK, soft(pigment_um, canvas, blur_um * 0.7) * np.float32(0.55 * strength))
    stamp.mark(name, np.maximum(np.maximum(body_um + np.where(ring, np.float32(0.3), 0), dots_um), pigment_um) > 0)


def paint_platelets(canvas: Canvas, rows: Floats, blur_um: float) -> None:
    """Platelets, (N, 8): y, x, radius, and random numbers: granular, without a nucleus, often on a red cell."""
    rows = rows[canvas.sees(rows, 2.5)]
    if not len(rows):
        return
    stamp = stamps(canvas, rows[:, 0], rows[:, 1], 2.6)
    inside_um = _dot(stamp, rows)
    cover = soft(inside_um, canvas, blur_um)
    fine = np.sin(stamp.dx * 4.1 + rows[:, 5, None, None] * 6) * np.sin(stamp.dy * 4.4 + rows[:, 6, None, None] * 6)
    stamp.add(NUCLEAR, cover * (0.5 + 0.22 * fine) * (0.75 + 0.5 * rows[:, 7, None, None]))
    stamp.add(BASIC, cover * np.float32(0.25))
    stamp.mark("platelet", inside_um > 0)


def paint_precipitate(canvas: Canvas, rows: Floats, blur_um: float) -> None:
    """Grains of dye that fell out, (N, 8): dark, sharp, anywhere: a look-alike of parasites and platelets."""
    rows = rows[canvas.sees(rows, 2.5)]
    if not len(rows):
        return
    stamp = stamps(canvas, rows[:, 0], rows[:, 1], 2.6)
    stamp.add(DARK, soft(_dot(stamp, rows), canvas, blur_um * 0.6) * (0.6 + 0.6 * rows[:, 7, None, None]))


def _dot(stamp: Stamps, rows: Floats) -> Floats:
    """Distance inside of small uneven discs, µm; radius in column 2."""
    angle = rows[:, 3, None, None] * np.float32(6.283)
    long = stamp.dx * np.cos(angle) + stamp.dy * np.sin(angle)
    cross = stamp.dy * np.cos(angle) - stamp.dx * np.sin(angle)
    oval = 1 + rows[:, 4, None, None] * np.float32(0.5)
    out: Floats = rows[:, 2, None, None] - np.sqrt((long / oval) ** 2 + (cross * oval) ** 2)
    return out


def behind(y_um: Floats, x_um: Floats, white: Floats, radius_um: Floats, reach_um: float) -> Bools:
    """Which points lie within the white cells' radius plus `reach_um`, (N,)."""
    if not len(white):
        return np.zeros(len(y_um), np.bool_)
    away = np.hypot(y_um[:, None] - white[None, :, 0], x_um[:, None] - white[None, :, 1])
    found: Bools = (away < radius_um[None] + np.float32(reach_um)).any(axis=1)
    return found
