"""A close look at pairs of prints: how well one lies on the other, moved, mirrored, negative, or with a border cut off.

The measure is the correlation of local contrast at the best place. Of chest radiographs of different patients one pair in ten
thousand reaches 0.57; copies that were compressed, brightened, mirrored or cut by 5 % lie above 0.85 (docs/leaks.md).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vesalius.datasets.duplicates.contrast import local_contrast, shows, windowed
from vesalius.datasets.duplicates.prints import SIDE
from vesalius.types import Array

SHIFT = 4  # pixels of a print, each way
WINDOWS = ((1.0, 1.0), (0.95, 1.0), (0.9, 1.0), (1.0, 0.95), (1.0, 0.9))  # what is kept of one and of the other
WORTH_A_CLOSER_LOOK = 0.5
ALIKE = 0.85
_STEP, _LEAST, _ROUNDS = 0.025, 0.875, 6
_LEAST_SHARED = 0.08  # of the print: less than this in common says nothing
_AT_ONCE = 64

Spectrum = Array  # complex, (n, 64, 33)
_NEAR = np.r_[0 : SHIFT + 1, -SHIFT:0]


@dataclass(frozen=True)
class Fit:
    """How one print lies on another: their correlation there, and whether one is mirrored."""

    likeness: float
    is_mirrored: bool

    @property
    def is_alike(self) -> bool:
        """Whether both show the same picture."""
        return self.likeness >= ALIKE


def look(ones: Array, others: Array) -> list[Fit]:
    """How well each of `ones` lies on its partner in `others`, both (n, 64, 64)."""
    found: list[Fit] = []
    for start in range(0, len(ones), _AT_ONCE):
        found += _look(ones[start : start + _AT_ONCE], others[start : start + _AT_ONCE])
    return found


def _look(ones: Array, others: Array) -> list[Fit]:
    best = np.full(len(ones), -1.0)
    way = np.zeros((len(ones), 3), np.int64)  # which window, mirrored or not, negative or not
    own = {share: _spectra(ones, share, share) for share in {share for share, _ in WINDOWS}}
    theirs = {share: _spectra(others, share, share) for share in {share for _, share in WINDOWS}}
    for mirrored in (0, 1):
        if mirrored:
            theirs = {share: _mirrored(spectra) for share, spectra in theirs.items()}
        for index, (one, other) in enumerate(WINDOWS):
            surface = _map(own[one], theirs[other])
            for negative, heights in enumerate((surface.max(axis=(1, 2)), -surface.min(axis=(1, 2)))):
                better = heights > best
                best = np.where(better, heights, best)
                way[better] = (index, mirrored, negative)
    fits = []
    for index, (place, mirrored, negative) in enumerate(way):
        likeness = float(best[index])
        if likeness >= WORTH_A_CLOSER_LOOK:
            other = others[index][:, ::-1] if mirrored else others[index]
            other = 255 - other if negative else other
            likeness = _refined(ones[index], other, WINDOWS[place])
        fits.append(Fit(likeness, bool(mirrored)))
    return fits


def _refined(one: Array, other: Array, start: tuple[float, float]) -> float:
    """The likeness after rows and columns were stretched and moved on their own, counted where both show something."""
    seen: dict[tuple[int, int], tuple[float, float, float]] = {}
    limit = round((1 - _LEAST) / _STEP)

    def look_at(places: list[tuple[int, int]]) -> None:
        new = [place for place in places if place not in seen]
        if not new:
            return
        both = [_both(one, other, *place) for place in new]
        surfaces = _map(_spectrum(np.concatenate([a for a, _ in both])), _spectrum(np.concatenate([b for _, b in both])))
        for place, surface in zip(new, surfaces, strict=True):
            y, x = divmod(int(surface.argmax()), len(_NEAR))
            down, right = _NEAR[y] + _between(surface[:, x], y), _NEAR[x] + _between(surface[y], x)
            seen[place] = (float(surface[y, x]), down, right)

    step = round((start[1] - start[0]) / _STEP)
    here = (step, step)
    for _ in range(_ROUNDS):
        around = [(here[0] + y, here[1] + x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        around = [place for place in around if max(map(abs, place)) <= limit]
        look_at(around)
        best = max(around, key=lambda place: seen[place][0])
        if best == here:
            break
        here = best
    return _shared(*_both(one, other, *here, *seen[here][1:]), *seen[here][1:])


def _both(one: Array, other: Array, rows: int, columns: int, down: float = 0.0, right: float = 0.0) -> tuple[Array, Array]:
    """Both prints as they should lie on each other: steps above zero keep less of `one`, below zero less of `other`."""

    def share(steps: int) -> float:
        return 1 - _STEP * max(steps, 0)

    moved = (_quarters(down), _quarters(right))
    return windowed(one[None], share(rows), share(columns)), windowed(other[None], share(-rows), share(-columns), *moved)


def _quarters(shift: float) -> float:
    return round(shift * 4) / 4


def _between(line: Array, at: int) -> float:
    """How far the top of the parabola through a peak and its neighbors lies from it, in pixels; `_NEAR` is the line's order."""
    before, after = float(line[at - 1]), float(line[(at + 1) % len(line)])
    if _NEAR[at] in (SHIFT, -SHIFT):
        return 0.0
    bend = before - 2 * float(line[at]) + after
    return 0.0 if bend >= 0 else (before - after) / (2 * bend)


def _shared(one: Array, other: Array, down: float, right: float) -> float:
    """The correlation of local contrast where both planes have pixels of their own and show something."""
    a, b = local_contrast(one)[0], local_contrast(other)[0]
    both = shows(one)[0] & shows(other)[0] & np.outer(_own(down), _own(right))
    if both.mean() < _LEAST_SHARED:
        both = np.ones_like(both)
    left, over = a[both] - a[both].mean(), b[both] - b[both].mean()
    length = float(np.linalg.norm(left) * np.linalg.norm(over))
    return float(left @ over) / length if length > 0 else 0.0


def _own(shift: float) -> Array:
    """Which of 64 pixels still come from inside after a move."""
    index = np.arange(SIDE)
    return (index >= shift) & (index <= SIDE - 1 + shift)


def _spectra(planes: Array, rows: float, columns: float) -> Spectrum:
    return _spectrum(windowed(planes, rows, columns))


def _spectrum(planes: Array) -> Spectrum:
    return np.fft.rfft2(local_contrast(planes))


def _map(ones: Spectrum, others: Spectrum) -> Array:
    """The correlation at every small shift, (n, 9, 9): the inverse transform, at these shifts alone."""
    rows, columns = _waves()
    found: Array = (rows @ (ones * np.conj(others)) @ columns).real
    return found


def _mirrored(spectra: Spectrum) -> Spectrum:
    """The spectra of planes whose columns stand in reverse order."""
    turned = np.conj(spectra[:, -np.arange(SIDE)])
    phase = np.exp(2j * np.pi * np.arange(SIDE // 2 + 1) / SIDE).astype(np.complex64)
    found: Spectrum = turned * phase
    return found


@lru_cache(maxsize=1)
def _waves() -> tuple[Array, Array]:
    """(9, 64) and (33, 9): what each coefficient of a real transform gives at each shift."""
    rows = np.exp(2j * np.pi * np.outer(_NEAR, np.arange(SIDE)) / SIDE) / SIDE
    half = np.arange(SIDE // 2 + 1)
    weights = np.where((half == 0) | (half == SIDE // 2), 1, 2) / SIDE
    columns = np.exp(2j * np.pi * np.outer(half, _NEAR) / SIDE) * weights[:, None]
    return rows.astype(np.complex64), columns.astype(np.complex64)
