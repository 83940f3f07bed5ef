"""Stamping many cells at once: each gets a small square of the picture, all squares are painted in one go."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vesalius.phantom.grain import KNOT_PX, TEXTURE_PX, texture
from vesalius.phantom.truth import Bools, Floats

EOSIN, NUCLEAR, BASIC, ORANGE, DARK = range(5)  # what a stained cell holds; DARK is pigment and precipitate
DYES = 5


@dataclass(frozen=True, eq=False)
class Canvas:
    """Amounts of dye on a fine grid, and where everything is.

    Attributes:
        low_um: (y, x) of the upper left corner, measured from the tile that the picture is of.
        step_um: size of a pixel.
        corner_um: that tile's own corner on the slide.
        dyes: (DYES, Y, X), relative optical density.
        masks: name → bool (Y, X).
    """

    low_um: tuple[float, float]
    step_um: float
    corner_um: tuple[float, float]
    dyes: Floats
    masks: dict[str, Bools]

    @property
    def shape(self) -> tuple[int, int]:
        """(Y, X)."""
        return self.dyes.shape[1], self.dyes.shape[2]

    @property
    def high_um(self) -> tuple[float, float]:
        """(y, x) of the lower right corner."""
        return self.low_um[0] + self.shape[0] * self.step_um, self.low_um[1] + self.shape[1] * self.step_um

    def sees(self, rows: Floats, reach_um: float | Floats) -> Bools:
        """Which cells, (…, 2 or more) with y and x first, reach into the picture."""
        y, x = rows[..., 0], rows[..., 1]
        found: Bools = (y > self.low_um[0] - reach_um) & (y < self.high_um[0] + reach_um)
        found &= (x > self.low_um[1] - reach_um) & (x < self.high_um[1] + reach_um)
        return found

    def mask(self, name: str) -> Bools:
        """The mask of that name, empty at first."""
        return self.masks.setdefault(name, np.zeros(self.shape, np.bool_))


@dataclass(frozen=True, eq=False)
class Stamps:
    """The squares around N cells.

    Attributes:
        canvas: to be painted on.
        at: (N, P, P), index of each pixel in the flattened picture; its length where there is none.
        dy, dx: (N, P, 1) and (N, 1, P), from the cell's center, in µm.
    """

    canvas: Canvas
    at: npt.NDArray[np.intp]
    dy: Floats
    dx: Floats

    def sums(self, amount: Floats) -> Floats:
        """Amounts of all squares together, (Y, X): where cells lie on one another, dye adds up."""
        rows, columns = self.canvas.shape
        total = np.bincount(self.at.ravel(), amount.ravel(), minlength=rows * columns + 1)
        return total[:-1].astype(np.float32).reshape(rows, columns)

    def add(self, dye: int, amount: Floats) -> None:
        """Lay an amount of one dye, (N, P, P)."""
        self.canvas.dyes[dye] += self.sums(amount)

    def only(self, inside: Bools) -> tuple["Stamps", npt.NDArray[np.intp]]:
        """The same with nothing but the pixels of `inside`, all arrays (K,), and the cell of each."""
        cell, row, column = np.nonzero(inside)
        part = Stamps(self.canvas, self.at[inside], self.dy[cell, row, 0], self.dx[cell, 0, column])
        return part, cell

    def hide(self, cover: Floats) -> None:
        """Take away what lies under the cells; cover in [0, 1], 1 where nothing shines through."""
        keep = 1 - self.sums(cover)
        np.maximum(keep, 0, out=keep)
        np.multiply(self.canvas.dyes, keep, out=self.canvas.dyes)

    def mark(self, name: str, inside: Bools, which: Bools | None = None) -> None:
        """Add pixels to a mask: those inside of the cells, or of the cells of `which`.

        A cell that lies between the pixels' centers takes the pixel in which its center is.
        """
        mask = self.canvas.mask(name)
        at, inside = (self.at, inside) if which is None else (self.at[which], inside[which])
        if not len(at):
            return
        flat = np.append(mask.ravel(), False)
        flat[at[inside]] = True
        lost = ~inside.any(axis=(1, 2))
        if lost.any():
            flat[at[lost][:, at.shape[1] // 2, at.shape[2] // 2]] = True
        mask[...] = flat[:-1].reshape(mask.shape)


def stamps(canvas: Canvas, y_um: Floats, x_um: Floats, reach_um: float) -> Stamps:
    """Squares that hold everything within `reach_um` of the centers, (N,)."""
    rows, columns = canvas.shape
    reach = int(reach_um / canvas.step_um + 0.5)
    y, x = (y_um - canvas.low_um[0]) / canvas.step_um, (x_um - canvas.low_um[1]) / canvas.step_um
    off = np.arange(-reach, reach + 1)
    row = np.floor(y).astype(np.intp)[:, None] + off
    column = np.floor(x).astype(np.intp)[:, None] + off
    at = (
        np.where((row >= 0) & (row < rows), row * columns, rows * columns)[:, :, None]
        + np.where((column >= 0) & (column < columns), column, rows * columns)[:, None, :]
    )
    np.minimum(at, rows * columns, out=at)
    step = np.float32(canvas.step_um)
    dy = (row + np.float32(0.5) - y[:, None]).astype(np.float32) * step
    dx = (column + np.float32(0.5) - x[:, None]).astype(np.float32) * step
    return Stamps(canvas, at, dy[:, :, None], dx[:, None, :])


def soft(inside_um: Floats, canvas: Canvas, blur_um: float) -> Floats:
    """Cover of a cell from the distance inside of its outline: 0 outside, 1 from the optics' blur inward."""
    cover = inside_um * np.float32(1 / max(blur_um, canvas.step_um))
    return np.clip(cover, 0, 1, out=cover)


def grain(stamp: Stamps, numbers: Floats, wave_um: Floats | float, cell: npt.NDArray[np.intp] | None = None) -> Floats:
    """Granules of each cell's own, in [-1, 1], of about `wave_um` across; numbers (N, 3 or more) in [0, 1].

    (N, P, P) for whole squares; (K,) for the pixels that `Stamps.only` has chosen, with the cell of each.
    """
    turn = numbers[:, 0] * np.float32(2 * np.pi)
    scale = np.asarray(np.float32(KNOT_PX) / np.asarray(wave_um, np.float32), np.float32)
    own = [np.cos(turn) * scale, np.sin(turn) * scale, *(numbers[:, 1:3] * np.float32(TEXTURE_PX) + np.float32(TEXTURE_PX)).T]
    cosine, sine, row, column = [each[:, None, None] if cell is None else each[cell] for each in own]
    return texture(stamp.dy * cosine + stamp.dx * sine + row, stamp.dx * cosine - stamp.dy * sine + column)
