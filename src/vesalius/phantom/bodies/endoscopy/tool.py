"""Tools that come out of the endoscope's channel: a forceps with two cups and a snare of wire."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from vesalius.phantom.bodies.endoscopy.view import Optics
from vesalius.phantom.truth import Bools, Floats
from vesalius.types import Array

TOOLS = ("forceps", "snare")
_SHEATHS = ((0.16, 0.36, 0.62), (0.82, 0.82, 0.80), (0.12, 0.13, 0.15), (0.70, 0.62, 0.30))


@dataclass(frozen=True)
class Tool:
    """One tool in one clip; lengths in units of half the picture's side.

    Attributes:
        name: one of `TOOLS`.
        begin, end: shares of the clip between which it is out.
        tip: (x, y) that it reaches.
        enters: (x, y) at the picture's rim.
        half: half width of the sheath at the rim.
        open: how far it opens, 0 to 1.
        sheath: color.
    """

    name: str
    begin: float
    end: float
    tip: tuple[float, float]
    enters: tuple[float, float]
    half: float
    open: float
    sheath: tuple[float, float, float]

    def out(self, moments: Floats) -> Bools:
        """(T,): whether it is out at moments of the clip, 0 to 1."""
        return np.asarray((moments >= self.begin) & (moments < self.end))


def draw_tool(rng: np.random.Generator, name: str) -> Tool:
    """A tool that comes from the lower right, as the channel has it; out for a third to a half of the clip."""
    begin, angle, reach = rng.uniform(0.3, 0.5), rng.uniform(0.5, 1.1), rng.uniform(0.16, 0.42)
    aside = angle + rng.uniform(-0.5, 0.5)
    return Tool(
        name=name,
        begin=begin,
        end=begin + rng.uniform(0.34, 0.48),
        tip=(reach * cos(aside), reach * sin(aside)),
        enters=(1.25 * cos(angle), 1.25 * sin(angle)),
        half=rng.uniform(0.085, 0.125),
        open=rng.uniform(0.5, 1.0),
        sheath=_SHEATHS[int(rng.integers(len(_SHEATHS)))],
    )


def draw_over(tool: Tool, moments: Floats, lens: Optics, picture: Floats) -> Bools:
    """Draw the tool over the frames at `moments` (T,) of a picture (3, T, Y, X) in [0, 1]; where it is, (T, Y, X)."""
    mask = np.zeros(picture.shape[1:], np.bool_)
    for frame in np.flatnonzero(tool.out(moments)):
        share = (float(moments[frame]) - tool.begin) / (tool.end - tool.begin)
        reach = 0.45 + 0.55 * sin(pi * min(max(share, 0.0), 1.0)) ** 0.7
        wobble = 0.02 * sin(9 * share)
        tip = tuple(a + (b - a) * reach + wobble for a, b in zip(tool.enters, tool.tip, strict=True))
        mask[frame] = _draw_frame(tool, (tip[0], tip[1]), lens, picture[:, frame])
    return mask


def _draw_frame(tool: Tool, tip: tuple[float, float], lens: Optics, picture: Floats) -> Bools:
    """One frame: the sheath as a cylinder, then the forceps' cups or the snare's loop."""
    along = (tool.enters[0] - tip[0], tool.enters[1] - tip[1])
    length = max((along[0] ** 2 + along[1] ** 2) ** 0.5, 1e-3)
    ux, uy = along[0] / length, along[1] / length
    x, y = lens.x - np.float32(tip[0]), lens.y - np.float32(tip[1])
    run, across = x * np.float32(ux) + y * np.float32(uy), y * np.float32(ux) - x * np.float32(uy)
    # What is farther in is farther away and looks thinner.
    half = np.float32(tool.half) * (0.55 + 0.45 * np.clip(run * np.float32(1 / length), 0, 1))
    metal = (0.62, 0.63, 0.66)
    mask = np.zeros(x.shape[:1] + y.shape[1:], np.bool_) if x.shape == y.shape else np.zeros(run.shape, np.bool_)
    _cylinder(picture, mask, (run > 0) & (np.abs(across) < half), across / half, tool.sheath)
    _cylinder(picture, mask, (run > -0.05) & (run <= 0.10) & (np.abs(across) < half * 0.8), across / (half * 0.8), metal)
    if tool.name == "forceps":
        for side in (-1, 1):
            turn = side * 0.55 * tool.open
            reached, beside = -(run + 0.04) * cos(turn) + across * sin(turn), (run + 0.04) * sin(turn) + across * cos(turn)
            wide = np.float32(0.052) * np.sqrt(np.maximum(1 - (reached / 0.085 - 1) ** 2, 0))
            beside = beside - side * 0.012
            inside = (reached > 0) & (reached < 0.17) & (np.abs(beside) < wide)
            _cylinder(picture, mask, inside, beside / np.maximum(wide, 1e-3), metal)
    else:
        long_, wide_ = 0.19, 0.12 * tool.open
        ring = np.sqrt(((run + long_ + 0.05) / long_) ** 2 + (across / wide_) ** 2)
        wire = np.abs(ring - 1) * wide_
        thick = np.float32(max(0.013, 1.1 / lens.size_px))
        _cylinder(picture, mask, wire < thick, (wire / thick) * np.sign(across), (0.78, 0.79, 0.80))
    return mask


def _cylinder(picture: Floats, mask: Bools, inside: Bools, across: Array, color: tuple[float, float, float]) -> None:
    """A round bar: bright along the middle, a highlight beside it, dark at the rims."""
    if not inside.any():
        return
    at = across[inside]
    body = np.sqrt(np.maximum(1 - at * at, 0))
    glint = np.exp(-(((at + 0.35) / 0.16) ** 2))
    for channel, part in enumerate(color):
        picture[channel][inside] = np.clip(part * (0.18 + 0.82 * body) + 0.55 * glint, 0, 1)
    mask |= inside
