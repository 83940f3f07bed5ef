"""pointing: is a concept found where it is? The maximum of the map of its prompts against the region.

Protocol:  Each patch of a picture is compared with the prompts of a region's label; the maps of the prompts are averaged, which
           has the maximum of the map of the ensemble's vector. The cells of a map cover the picture's own array evenly; the point
           is the center of the cell with the highest value. It is right when it lies in a region of that label (the pointing
           game, Zhang et al., 2016). One question per picture and label; a region that lies in one frame or slice is looked for
           in the cells of that frame alone, one question per frame.
           A map that is equal everywhere points nowhere and misses.
By chance: the share of cells whose centers lie in a region: what a random cell would score.
Chosen:    nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vesalius.benchmarks.encoders.embedded import Embedder, Floats
from vesalius.benchmarks.encoders.scores import Pointed, mean
from vesalius.datasets.pairs.pair import Pair
from vesalius.metrics import pointing_game
from vesalius.transforms.polygons import filled
from vesalius.types import Box, Geometry, Image, Mask, Point, Polygon, Region, Score

Values = npt.NDArray[np.float64]
Heat = Mapping[int, Mapping[str, Floats]]  # row of a pair → label → map (t, y, x)


@dataclass(frozen=True, eq=False)
class Asked:
    """A concept that is looked for in a picture, or in one frame of it.

    Attributes:
        row: place of the pair.
        label: of the regions.
        frame: None: in the whole picture.
        regions: where it is, in pixels of the picture's array, or of the frame.
        shape: of that array.
        frames: of the whole picture.
    """

    row: int
    label: str
    frame: int | None
    regions: tuple[Geometry, ...] = field(repr=False)
    shape: tuple[int, ...]
    frames: int = 1


def asked(pairs: Sequence[Pair], *, findings_only: bool = False) -> list[Asked]:
    """What can be looked for in pairs: boxes, outlines and masks in pixels. Points and places in the patient's space are not.

    Args:
        pairs: of the test split.
        findings_only: leave out regions that are no finding of a picture that has findings (organs, tools).
    """
    found = []
    for row, pair in enumerate(pairs):
        image = pair.sample.images[pair.image].image
        groups: dict[tuple[str, int | None], list[Geometry]] = {}
        for region in pair.sample.regions:
            is_wanted = not findings_only or not pair.sample.labels or region.label in pair.sample.labels
            if is_wanted and region.image == pair.image and region.space == "pixel":
                for frame, place in _places(region, image):
                    groups.setdefault((region.label, frame), []).append(place)
        for (label, frame), places in groups.items():
            shape = image.shape if frame is None else image.shape[1:]
            found.append(Asked(row, label, frame, tuple(places), shape, image.shape[0] if len(image.shape) == 3 else 1))
    return found


def maps(
    embedder: Embedder, pairs: Sequence[Pair], questions: Sequence[Asked], prompts: Mapping[str, Sequence[str]]
) -> dict[int, dict[str, Floats]]:
    """Row of a pair → label → its map (t, y, x), for every pair that something is asked of and every label that is asked."""
    rows = sorted({question.row for question in questions})
    labels = sorted({question.label for question in questions})
    words = list(dict.fromkeys(prompt for label in labels for prompt in prompts[label]))
    place = {word: number for number, word in enumerate(words)}
    found = embedder.maps([pairs[row] for row in rows], words)
    return {
        row: {label: np.mean([each[place[prompt]] for prompt in prompts[label]], axis=0) for label in labels}
        for row, each in zip(rows, found, strict=True)
    }


def pointing(
    questions: Sequence[Asked],
    heat: Heat,
    patients: Sequence[str],
    *,
    tolerance_px: float = 0.0,
    donors: Mapping[int, int] | None = None,
    resamples: int = 0,
) -> tuple[Score, float, tuple[Pointed, ...]]:
    """The share of concepts that are found, what a random cell would score, and each answer.

    Args:
        questions: what is looked for.
        heat: what `maps` gave.
        patients: whose each pair is, by row.
        tolerance_px: how far outside a region still is right.
        donors: for each row the one whose maps stand for its own (shuffled pairs); both have maps.
        resamples: of the patients, for intervals; 0 for none.
    """
    pointed, hits, chances = [], [], []
    for question in questions:
        source = question.row if donors is None else donors[question.row]
        cells = _of_frame(heat[source][question.label], question)
        at = peak(cells, question.shape)
        hit = bool(pointing_game.items([at], [question.regions], tolerance_px=tolerance_px)[0])
        pointed.append(Pointed(question.row, question.label, None if at is None else at.at, hit, question.frame))
        hits.append(float(hit))
        chances.append(by_chance(cells.shape, question, tolerance_px))
    whose = [patients[question.row] for question in questions]
    score = mean(pointing_game.NAME, pointing_game.DIRECTION, np.array(hits), whose, resamples)
    return score, float(np.mean(chances)) if chances else float("nan"), tuple(pointed)


def peak(cells: npt.NDArray[np.floating], shape: Sequence[int]) -> Point | None:
    """The center of the hottest cell in pixels of an array of this shape; None where all cells are equal.

    Of several hottest cells it is the middle of them.
    """
    if cells.max() == cells.min():
        return None
    return Point(_in_pixels(pointing_game.peak(cells).at, cells.shape, shape))


def by_chance(cells: Sequence[int], question: Asked, tolerance_px: float = 0.0) -> float:
    """The share of cells whose centers are right."""
    centers = [_in_pixels(np.array(index) + 0.5, cells, question.shape) for index in np.ndindex(*cells)]
    if tolerance_px:
        points = [Point(center) for center in centers]
        return float(pointing_game.items(points, [question.regions] * len(points), tolerance_px=tolerance_px).mean())
    inside = np.zeros(len(centers), np.bool_)
    for place in question.regions:
        if isinstance(place, Box):
            each = np.array(centers)
            inside |= ((each >= np.array(place.low)) & (each <= np.array(place.high))).all(axis=1)
        elif isinstance(place, Mask):
            marked = place.load()
            inside |= np.array([marked[tuple(int(v) for v in center)] for center in centers])
    return float(inside.mean())


def _of_frame(one: Floats, question: Asked) -> npt.NDArray[np.floating]:
    """A map (t, y, x) with as many axes as the array that is asked about."""
    if question.frame is not None:
        plane: npt.NDArray[np.floating] = one[min(int((question.frame + 0.5) * len(one) / question.frames), len(one) - 1)]
        return plane
    whole: npt.NDArray[np.floating] = one if len(question.shape) == 3 else one.mean(axis=0)
    return whole


def _in_pixels(at: Sequence[float] | Values, cells: Sequence[int], shape: Sequence[int]) -> tuple[float, ...]:
    return tuple(float(v) * side / many for v, many, side in zip(at, cells, shape, strict=True))


def _places(region: Region, image: Image) -> Iterator[tuple[int | None, Geometry]]:
    """The geometry of a region as boxes and masks of the whole array, or of a frame of it."""
    place, axes = region.geometry, len(image.shape)
    if isinstance(place, Polygon):
        plane = image.shape[-2:]
        place = _mask_of(place, (plane[0], plane[1]))
    if isinstance(place, Box):
        depth = len(place.low)
    elif isinstance(place, Mask):
        marked = place.load()
        depth = marked.ndim if marked.shape in (image.shape, image.shape[1:]) else 0  # a mask of another grid says nothing here
    else:
        return
    if depth == axes and region.frame is None and axes in (2, 3):
        yield None, place
    elif depth == 2 and axes == 3 and region.frame is not None:
        yield region.frame, place


def _mask_of(outline: Polygon, plane: tuple[int, int]) -> Mask:
    return Mask(lambda: filled([outline], plane))
