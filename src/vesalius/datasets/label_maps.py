"""Maps of labels: pictures whose values are the numbers of classes, as masks of their own picture, and masks as such maps."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from vesalius.datasets.exports import Dropped
from vesalius.datasets.sources import RecordRefused
from vesalius.errors import InputRefused
from vesalius.transforms.polygons import filled
from vesalius.types import Array, Geometry, Image, Mask, Polygon, Region

SAME_SPACING, SAME_PLACE = 1e-3, 0.05  # relative, and in parts of a voxel
LEAST_PLACE_MM = 0.01
MOST_CLASSES = 1024  # in one map; what has more is a picture


def regions_of_map(
    labels: Image,
    picture: Image,
    classes: Mapping[str, Collection[int]],
    tell: Callable[[RecordRefused], None],
    *,
    image: int = 0,
    ignored: Collection[int] = (),
) -> list[Region]:
    """A region for each class that a map of labels holds, its mask read when asked for. 0 is background.

    Args:
        labels: the map.
        picture: what it lies on.
        classes: label → the numbers that make it.
        tell: takes what is wrong: `label_unknown` for numbers of no class, `mask_all_zero` for a map of background alone.
        image: index of the picture.
        ignored: numbers that mean nothing, besides 0.

    Raises:
        RecordRefused: `mask_geometry`, `media_unreadable`, `record_malformed`.
    """
    check_geometry(labels, picture)
    found = set(numbers_in(labels)) - set(ignored)
    if not found:
        tell(RecordRefused("mask_all_zero", "A map of labels holds background alone."))
    if strange := sorted(found - {number for numbers in classes.values() for number in numbers}):
        said = ", ".join(str(number) for number in strange[:5]) + (", …" if len(strange) > 5 else "")
        tell(RecordRefused("label_unknown", f"A map of labels holds numbers of no class: {said}."))
    return [
        Region(label, marked_by(labels, tuple(sorted(numbers)), picture.shape), image=image)
        for label, numbers in classes.items()
        if found & set(numbers)
    ]


def numbers_in(labels: Image) -> list[int]:
    """The numbers that a map of labels holds, without 0, ascending.

    Raises:
        RecordRefused: as `whole_numbers`; `record_malformed`: more than a map has.
    """
    found: list[int] = np.unique(whole_numbers(labels)).tolist()
    if len(found) > MOST_CLASSES:
        said = f"A map of labels holds {len(found)} different numbers; more than {MOST_CLASSES} are a picture, and no map."
        raise RecordRefused("record_malformed", said)
    return [number for number in found if number]


def check_geometry(mask: Image, picture: Image, what: str = "A mask") -> None:
    """Whether a mask's file lies on the grid of its picture; or what else should, called `what`.

    A mask of a series of volumes may be one volume, for all of them.

    Raises:
        RecordRefused: `mask_geometry`, with the sizes, spacings or places.
    """
    shapes = [picture.shape, picture.shape[1:]] if len(picture.shape) == 4 else [picture.shape]
    if mask.shape not in shapes:
        raise RecordRefused(
            "mask_geometry", f"{what} is {_sides(mask.shape)} and its picture {_sides(picture.shape)} (array order)."
        )
    if mask.spacing_mm and picture.spacing_mm and not np.allclose(mask.spacing_mm, picture.spacing_mm, rtol=SAME_SPACING, atol=0):
        told = (", ".join(f"{value:g}" for value in each) for each in (mask.spacing_mm, picture.spacing_mm))
        raise RecordRefused("mask_geometry", "{} has a spacing of ({}) mm and its picture one of ({}) mm.".format(what, *told))
    if mask.affine_lps_mm is None or picture.affine_lps_mm is None:
        return
    far_mm = _farthest_mm(mask.affine_lps_mm, picture.affine_lps_mm, mask.shape)
    voxel_mm = float(np.linalg.norm(picture.affine_lps_mm[:3, :3], axis=0).min())
    if far_mm > max(LEAST_PLACE_MM, SAME_PLACE * voxel_mm):
        raise RecordRefused("mask_geometry", f"{what} lies up to {far_mm:.3g} mm away from its picture in the patient.")


def _farthest_mm(one: Array, other: Array, shape: tuple[int, ...]) -> float:
    """How far apart two grids place the same corner of the array, at most."""
    sides = (1, *shape)[-3:]
    corners = np.array([(z, y, x, 1) for z in (0, sides[0] - 1) for y in (0, sides[1] - 1) for x in (0, sides[2] - 1)])
    return float(np.linalg.norm((corners @ (one - other).T)[:, :3], axis=1).max())


def _sides(shape: tuple[int, ...]) -> str:
    return " × ".join(str(side) for side in shape)


@functools.lru_cache(maxsize=1)
def whole_numbers(labels: Image) -> Array:
    """The values of a map of labels, kept until another map is asked for.

    Raises:
        RecordRefused: `mask_geometry`: it is in color or not of whole numbers; `media_unreadable`.
    """
    try:
        values = labels.load()
    except InputRefused as refused:
        raise RecordRefused("media_unreadable", f"A mask cannot be decoded ({refused.code}). {refused.message}") from refused
    if labels.channels == 3:
        if not (values == values[..., :1]).all():
            raise RecordRefused("mask_geometry", "A mask is a picture in color: its values are no numbers of classes.")
        values = values[..., 0]
    if values.dtype.kind == "f":
        if not (np.isfinite(values).all() and (values == np.rint(values)).all()):
            raise RecordRefused("mask_geometry", "A mask holds fractions: its values are no numbers of classes.")
        values = values.astype(np.int64)
    return values


def marked_by(labels: Image, numbers: Collection[int], shape: tuple[int, ...], flip: tuple[slice, ...] = ()) -> Mask:
    """The mask of what has one of these numbers in a map of labels, read when asked for; of a picture of this shape.

    `flip` indexes the map where some of its axes run backward in the picture.
    """
    return Mask(functools.partial(_marked, labels, tuple(numbers), shape, flip))


def _marked(labels: Image, numbers: tuple[int, ...], shape: tuple[int, ...], flip: tuple[slice, ...]) -> npt.NDArray[np.bool_]:
    try:
        values = whole_numbers(labels)[flip]
    except RecordRefused as refused:
        raise InputRefused("file_changed", "A mask has changed since it was described. Read the dataset again.") from refused
    found: npt.NDArray[np.bool_] = values == numbers[0] if len(numbers) == 1 else np.isin(values, numbers)
    return found if found.shape == shape else np.broadcast_to(found, shape)


def as_mask(geometry: Geometry, shape: tuple[int, ...]) -> npt.NDArray[np.bool_] | None:
    """The pixels of a mask, or of an outline on a plane picture; None for boxes and points."""
    if isinstance(geometry, Mask):
        return geometry.load()
    if isinstance(geometry, Polygon) and len(shape) == 2:
        return filled([geometry], (shape[0], shape[1]))
    return None


class Combinations:
    """Masks that may overlap as maps of numbers: every set of labels that share a pixel has a number, a label alone the first."""

    def __init__(self) -> None:
        self.numbers: dict[frozenset[str], int] = {}

    def map_of(self, masks: Mapping[str, npt.NDArray[np.bool_]]) -> npt.NDArray[np.uint16]:
        """One picture's masks by label, all of one shape and at least one, as a map; 0 where there is none."""
        for label in masks:
            self.number(label)
        sets = np.zeros(next(iter(masks.values())).shape, np.int32)
        known: dict[tuple[int, str], int] = {}
        members: list[frozenset[str]] = [frozenset()]
        for label, mask in masks.items():
            for before in np.unique(sets[mask]).tolist():
                known[before, label] = len(members)
                members.append(members[before] | {label})
            lookup = np.arange(len(members), dtype=np.int32)
            for (before, own), after in known.items():
                if own == label:
                    lookup[before] = after
            sets = np.where(mask, lookup[sets], sets)
        numbers = np.zeros(len(members), np.uint16)
        for index in np.unique(sets).tolist():
            if members[index]:
                numbers[index] = self._number(members[index])
        return numbers[sets]

    def classes(self) -> dict[str, list[int]]:
        """Label → every number that it is part of, that of the label alone first."""
        labels = [next(iter(members)) for members in self.numbers if len(members) == 1]
        return {label: [number for members, number in self.numbers.items() if label in members] for label in labels}

    def number(self, label: str) -> int:
        """The number of a label alone."""
        return self._number(frozenset([label]))

    def _number(self, members: frozenset[str]) -> int:
        return self.numbers.setdefault(members, len(self.numbers) + 1)


def joined(regions: Sequence[Region], shape: tuple[int, ...], dropped: Dropped) -> dict[str, npt.NDArray[np.bool_]]:
    """Masks by label; several of one label become one, which is counted, as is what is no mask."""
    found: dict[str, npt.NDArray[np.bool_]] = {}
    for region in regions:
        mask = as_mask(region.geometry, shape)
        if mask is None or mask.shape != shape:
            dropped["boxes, points and outlines in volumes: the format has masks alone"] += 1
            continue
        if region.attributes:
            dropped["attributes of regions: the format has none"] += 1
        if region.label in found:
            dropped["objects of one label: joined in one mask"] += 1
            mask = mask | found[region.label]
        found[region.label] = mask
    return found
