"""Laparoscopic instruments: a shaft that enters from the rim of the picture and the jaws, hook or tube at its end."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from vesalius.phantom.bodies.surgery.field import Anatomy
from vesalius.phantom.bodies.surgery.story import TOOL_OF, Story
from vesalius.phantom.bodies.surgery.view import Color, Frames, Pair
from vesalius.phantom.truth import Bools, Floats
from vesalius.types import Array

_STEEL: Color = (0.66, 0.67, 0.70)
_SHAFTS: tuple[Color, ...] = ((0.10, 0.10, 0.11), (0.17, 0.18, 0.21), (0.60, 0.61, 0.64), (0.10, 0.12, 0.20))
_LARGER = 1.5  # instruments are nearer to the camera than the field
_FAR_MM = 95.0  # from the middle of the picture to where a shaft begins


@dataclass(frozen=True, eq=False)
class Tool:
    """An instrument in some frames.

    Attributes:
        name: one of `surgery_story.TOOLS`.
        tip: (T, 2), mm in the picture from its middle.
        enters: where its shaft comes from, the same.
        half: half width of the shaft near the tip, mm.
        opening: of its jaws, radians, (T,).
        is_in: (T,).
        shaft: color.
    """

    name: str
    tip: Floats
    enters: Pair
    half: float
    opening: Floats
    is_in: Bools
    shaft: Color


def tools_of(rng: np.random.Generator, story: Story, anatomy: Anatomy, frames: Frames) -> list[Tool]:
    """Every instrument of a clip: the left hand's grasper, perhaps another at the fundus, and the right hand's by phase.

    The draw does not depend on the frames.
    """
    u = frames.moments
    shafts = rng.permutation(len(_SHAFTS))
    halves, angles = rng.uniform(1.7, 2.2, 3), (rng.uniform(2.9, 3.5), rng.uniform(-2.3, -0.9), rng.uniform(-0.45, 0.2))
    jaws, paces, phases = rng.uniform(0.12, 0.3, 3), rng.uniform(9, 16, 2), rng.uniform(0, 2 * pi, 2)
    side = 1 if rng.random() < 0.75 else -1  # the right hand's side
    still = np.ones(len(u), np.bool_)
    hold = np.full(len(u), 0.06, np.float32)

    def entry(angle: float) -> Pair:
        return (_FAR_MM * cos(angle) * side, _FAR_MM * sin(angle))

    def shaft(number: int) -> Color:
        return _SHAFTS[int(shafts[number])]

    neck = _stack(frames.seen_at(anatomy.on_axis(0.10), pull=1))
    found = [Tool("grasper", neck, entry(angles[0]), halves[0], hold, still, shaft(0))]
    if story.second_grasper:
        fundus = _stack(frames.seen_at(anatomy.on_axis(0.97), pull=1))
        found.append(Tool("grasper", fundus, entry(angles[1]), halves[1], hold, still, shaft(1)))
    for phase, begin, end in story.working():
        place = np.stack(
            [np.sin(u * np.float32(paces[axis]) + np.float32(phases[axis])) * np.float32((2.2, 2.8)[axis]) for axis in (0, 1)],
            axis=1,
        )
        target = _stack(frames.seen_at(_target(anatomy, phase)))
        # It comes in and goes out along its shaft while it is changed.
        way = np.minimum(np.clip((u - begin) / 0.05, 0, 1), np.clip((end - u) / 0.05, 0, 1)) if story.second else np.ones(len(u))
        start = np.array(entry(angles[2]), np.float32)
        tip = start + (target + place - start) * np.maximum(way, 0.35)[:, None].astype(np.float32)
        open_ = np.float32(jaws[2]) * (1.1 + np.sin(u * np.float32(paces[0])))
        is_in = (u >= begin) & (u < end)
        found.append(Tool(TOOL_OF[phase], tip.astype(np.float32), entry(angles[2]), halves[2], open_, is_in, shaft(2)))
    return found


def _target(a: Anatomy, phase: str) -> Pair:
    """What the right hand works at."""
    if phase in ("clipping", "cutting", "dissection"):
        share = 0.5 if phase != "dissection" else 0.75
        return (a.duct_end[0] + share * (a.neck[0] - a.duct_end[0]), a.duct_end[1] + share * (a.neck[1] - a.duct_end[1]))
    if phase == "cleaning":
        return (a.neck[0] + 8, a.neck[1] - 4)
    return a.on_axis(0.25 if phase == "preparation" else 0.5)


def _stack(place: tuple[Floats, Floats]) -> Floats:
    return np.stack(place, axis=1).astype(np.float32)


def draw_over(tools: list[Tool], frames: Frames, picture: Floats) -> dict[str, Bools]:
    """Draw the instruments over a picture (3, T, Y, X) in [0, 1], the last one in front; masks by name."""
    masks: dict[str, Bools] = {}
    for tool in tools:
        mask = masks.setdefault(tool.name, np.zeros(picture.shape[1:], np.bool_))
        which = np.flatnonzero(tool.is_in)
        if not len(which):
            continue
        span = slice(int(which[0]), int(which[-1]) + 1)
        drawn = _draw(tool, span, frames, picture[:, span])
        for other in masks.values():
            other[span] &= ~drawn
        mask[span] |= drawn
    return masks


def _draw(tool: Tool, span: slice, frames: Frames, picture: Floats) -> Bools:
    """One instrument in the frames that it is in."""
    tip = tool.tip[span]
    along_x, along_y = np.float32(tool.enters[0]) - tip[:, 0], np.float32(tool.enters[1]) - tip[:, 1]
    length = np.sqrt(along_x * along_x + along_y * along_y)
    ux, uy = (along_x / length)[:, None, None], (along_y / length)[:, None, None]
    x, y = frames.across - tip[:, 0, None, None], frames.down - tip[:, 1, None, None]
    run, aside = (x * ux + y * uy) * np.float32(1 / _LARGER), (y * ux - x * uy) * np.float32(1 / _LARGER)
    pen = _Pen(picture, np.zeros(picture.shape[1:], np.bool_), frames.step_mm / _LARGER)
    # What is nearer to the camera is larger: a shaft widens to the rim.
    half = np.float32(tool.half) * (1 + np.maximum(run, 0) * np.float32(0.006))
    at = aside / half
    begins = {"grasper": 13.0, "hook": 7.0, "clipper": 12.0, "scissors": 11.0, "suction": 0.0}[tool.name]
    pen.bar((run > begins) & (np.abs(at) < 1), at, tool.shaft if tool.name != "suction" else _STEEL)
    if tool.name != "suction":
        collar = (run > begins - 2.5) & (run <= begins + 1.5) & (np.abs(at) < 0.9)
        pen.bar(collar, at / np.float32(0.9), _STEEL)
    opening = tool.opening[span][:, None, None]
    {"grasper": _jaws, "hook": _hook, "clipper": _clipper, "scissors": _blades, "suction": _holes}[tool.name](
        pen, run, aside, opening, begins - 2.0
    )
    return pen.mask


@dataclass(frozen=True, eq=False)
class _Pen:
    """What bars are drawn with: a picture, where has been drawn, and the size of a pixel."""

    picture: Floats
    mask: Bools
    step_mm: float

    def bar(self, inside: Bools, across: Array, color: Color) -> None:
        """A round bar; `across` from -1 to 1 from rim to rim: bright along one line, dark at the rims."""
        at = across[inside]
        body = np.sqrt(np.maximum(1 - at * at, 0))
        glint = np.exp(-(((at + np.float32(0.3)) / np.float32(0.2)) ** 2)) * np.float32(0.18 + 0.45 * color[1])
        for channel in range(3):
            self.picture[channel][inside] = np.clip(np.float32(color[channel]) * (0.25 + 0.75 * body) + glint, 0, 1)
        self.mask[...] |= inside

    def widened(self, half: Floats | float) -> Array:
        """A half width that no pixel falls between."""
        return np.maximum(np.float32(0.6 * self.step_mm), np.asarray(half, np.float32))


def _turned(run: Floats, aside: Floats, angle: Floats, hinge: float) -> tuple[Floats, Floats]:
    """Coordinates forward from a hinge on the shaft's axis and aside, of a part turned by `angle` there."""
    forward = np.float32(hinge) - run
    c, s = np.cos(angle), np.sin(angle)
    return forward * c + aside * s, aside * c - forward * s


def _jaws(pen: _Pen, run: Floats, aside: Floats, opening: Floats, hinge: float) -> None:
    """Two long jaws with a window each."""
    for side in (-1, 1):
        forward, beside = _turned(run, aside, side * opening, hinge)
        beside = beside - np.float32(0.75 * side)
        half = pen.widened(1.25 - 0.035 * forward)
        inside = (forward > 0) & (forward < hinge + 0.5) & (np.abs(beside) < half)
        window = (forward > 3) & (forward < hinge - 2.5) & (np.abs(beside) < 0.38 * half) & (pen.step_mm < 0.7)
        pen.bar(inside & ~window, beside / half, _STEEL)


def _hook(pen: _Pen, run: Floats, aside: Floats, opening: Floats, hinge: float) -> None:
    """A thin rod that ends in a hook."""
    half = pen.widened(0.62)
    rod = (run > 0.5) & (run < hinge + 1) & (np.abs(aside) < half)
    pen.bar(rod, aside / half, (0.74, 0.72, 0.66))
    bent = (aside > -half) & (aside < 3.6) & (np.abs(run - np.float32(0.9)) < half)
    pen.bar(bent, (run - np.float32(0.9)) / half, (0.74, 0.72, 0.66))


def _clipper(pen: _Pen, run: Floats, aside: Floats, opening: Floats, hinge: float) -> None:
    """Two stout jaws side by side that close on a clip."""
    for side in (-1, 1):
        forward, beside = _turned(run, aside, side * (0.4 * opening + 0.05), hinge)
        beside = beside - np.float32(1.35 * side)
        half = pen.widened(0.85)
        pen.bar((forward > -1) & (forward < hinge) & (np.abs(beside) < half), beside / half, (0.76, 0.75, 0.72))


def _blades(pen: _Pen, run: Floats, aside: Floats, opening: Floats, hinge: float) -> None:
    """Two curved blades with sharp ends."""
    for side in (-1, 1):
        forward, beside = _turned(run, aside, side * 1.3 * opening, hinge)
        share = np.clip(forward * np.float32(1 / hinge), 0, 1)
        beside = beside - np.float32(0.4 * side) + share * share * np.float32(1.2)
        half = pen.widened(1.25 * (1 - 0.85 * share))
        pen.bar((forward > -1) & (forward < hinge) & (np.abs(beside) < half), beside / half, (0.72, 0.74, 0.78))


def _holes(pen: _Pen, run: Floats, aside: Floats, opening: Floats, hinge: float) -> None:
    """A tube's dark mouth and the holes in its side."""
    mouth = ((run - np.float32(0.4)) / np.float32(0.9)) ** 2 + (aside / np.float32(1.7)) ** 2 < 1
    holes = (np.abs(aside - np.float32(0.4)) < 0.6) & (np.abs(np.mod(run, 3.2) - 1.6) < 0.6) & (run > 1.5) & (run < 11)
    pen.bar(mouth | (holes & pen.mask), aside * 0, (0.05, 0.05, 0.05))
