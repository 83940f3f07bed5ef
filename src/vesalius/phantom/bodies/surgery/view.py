"""What a laparoscope sees of a flat field: where its pixels are, the surface that they show, the light that comes back."""

from dataclasses import dataclass, replace
from math import ceil, pi

import numpy as np

from vesalius.phantom.truth import Bools, Floats

Slices = tuple[slice, slice, slice]
Color = tuple[float, float, float]
Pair = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Frames:
    """Some frames of a clip: where each pixel's center is.

    Attributes:
        moments: shares of the clip, 0 to 1, (T,).
        across, down: the picture's own axes, mm from its middle, (1, 1, X) and (1, Y, 1).
        x, y: in the body, mm, (T, Y, X).
        shift, turn: of the camera in each frame: (T, 2) mm and (T,) radians.
        pull: of the gallbladder in each frame, (T, 2) mm.
        step_mm: of a pixel.
    """

    moments: Floats
    across: Floats
    down: Floats
    x: Floats
    y: Floats
    shift: Floats
    turn: Floats
    pull: Floats
    step_mm: float

    def seen_at(self, place: Pair, pull: float = 0.0) -> tuple[Floats, Floats]:
        """Where a place of the body is in the picture in each frame, mm from its middle: (across, down), each (T,)."""
        x, y = place[0] + pull * self.pull[:, 0] - self.shift[:, 0], place[1] + pull * self.pull[:, 1] - self.shift[:, 1]
        c, s = np.cos(self.turn), np.sin(self.turn)
        return x * c + y * s, y * c - x * s

    def box(self, place: Pair, reach_mm: float, pull: float = 0.0) -> Slices:
        """The rows and columns that are within `reach_mm` of a place in any frame; never empty."""
        found = [slice(None)]
        for seen, count in zip(reversed(self.seen_at(place, pull)), self.x.shape[1:], strict=True):
            low = int((float(seen.min()) - reach_mm) / self.step_mm + count / 2) - 1
            high = ceil((float(seen.max()) + reach_mm) / self.step_mm + count / 2) + 1
            low = min(max(low, 0), count - 1)
            found.append(slice(low, max(min(high, count), low + 1)))
        return found[0], found[1], found[2]

    def pulled(self) -> "Frames":
        """The same frames in coordinates that move with the gallbladder."""
        x, y = self.x - self.pull[:, 0, None, None], self.y - self.pull[:, 1, None, None]
        return replace(self, x=x, y=y)

    def around(self, place: Pair, box: Slices, pull: float = 0.0) -> tuple[Floats, Floats]:
        """Coordinates relative to a place, mm, within a box; `pull` 1 for what moves with the gallbladder."""
        x, y = self.x[box] - np.float32(place[0]), self.y[box] - np.float32(place[1])
        if pull:
            x -= (np.float32(pull) * self.pull[:, 0])[:, None, None]
            y -= (np.float32(pull) * self.pull[:, 1])[:, None, None]
        return x, y


@dataclass(eq=False)
class Surface:
    """What each pixel of some frames sees, every array (T, Y, X); painters change it in place.

    `color` of white light that comes back; `slope` of the surface, mm per mm; `gloss` 0 dull to 1 wet; `near` how much
    nearer than the background it is, mm.
    """

    color: list[Floats]
    slope: list[Floats]
    gloss: Floats
    near: Floats

    def cover(
        self, box: Slices, mask: Bools, color: tuple[Floats | float, ...], slope: tuple[Floats | float, ...], gloss: float
    ) -> None:
        """Let something be what is seen in `mask`, which has the box's shape."""
        for channel in range(3):
            np.copyto(self.color[channel][box], np.asarray(color[channel], np.float32), where=mask)
        for axis in range(2):
            np.copyto(self.slope[axis][box], np.asarray(slope[axis], np.float32), where=mask)
        np.copyto(self.gloss[box], np.float32(gloss), where=mask)

    def blend(self, box: Slices, mask: Bools, color: Color, share: Floats) -> None:
        """Mix a color in where `mask` is."""
        for channel in range(3):
            part = self.color[channel][box]
            np.copyto(part, part + (np.float32(color[channel]) - part) * share, where=mask)


def light(surface: Surface, frames: Frames, *, gain: float, lamp: Pair, shine: float, edge: float) -> Floats:
    """The picture in [0, 1], (3, T, Y, X): a lamp beside the lens above the field.

    Args:
        surface: what is seen.
        frames: where.
        gain: exposure, near 1.
        lamp: (x, y) of the lamp against the lens, mm.
        shine: of wet surfaces.
        edge: how much darker the rim of the field is, 0 to 1.
    """
    x, y = frames.across * np.float32(1 / 95), frames.down * np.float32(1 / 95)
    away = x * x + y * y
    from_x, from_y = np.float32(lamp[0] / 95) - x, np.float32(lamp[1] / 95) - y
    length = np.reciprocal(np.sqrt(1 + from_x * from_x + from_y * from_y))
    facing = 1 - surface.slope[0] * from_x - surface.slope[1] * from_y
    flat = surface.slope[0] * surface.slope[0]
    flat += surface.slope[1] * surface.slope[1]
    flat += 1
    facing *= length
    facing /= np.sqrt(flat, out=flat)
    np.clip(facing, 0, 1, out=facing)
    glint = facing * facing
    for _ in range(4):
        glint *= glint
    glint *= glint * glint
    glint *= surface.gloss
    glint *= np.float32(shine)
    lit = facing * np.float32(0.85)
    lit += np.float32(0.15)
    lit *= np.float32(gain) * (1 - np.float32(edge * 2.2) * np.minimum(away, np.float32(0.42)))
    lit *= 1 + surface.near * np.float32(0.014)
    shown = np.empty((3, *lit.shape), np.float32)
    for channel in range(3):
        seen = lit * surface.color[channel]
        seen += glint
        seen *= np.float32(-1.9)
        np.subtract(1, np.exp(seen, out=seen), out=shown[channel])
    return shown


def sway(rng: np.random.Generator, moments: Floats, amount: float) -> Floats:
    """A slow wandering in two directions, (T, 2), of about `amount`."""
    pace, phase, size = rng.uniform(1.5, 6, (2, 2)), rng.uniform(0, 2 * pi, (2, 2)), rng.uniform(0.4, 1.0, (2, 2))
    parts = [
        sum(
            size[axis, part] * np.sin(moments * pace[axis, part] * (1 + part) + phase[axis, part]) / (1 + part) for part in (0, 1)
        )
        for axis in (0, 1)
    ]
    return (np.stack(parts, axis=1) * amount).astype(np.float32)
